import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseArguments, UsageError } from '../../../src/cli/parseArguments.ts';

const words = (line: string) => line.split(' ');

describe('command line', () => {
  it('takes domain, file and out path, and nothing else is needed', () => {
    assert.deepEqual(parseArguments(words('guest file /tmp/')), {
      mode: 'copy',
      connect: undefined,
      link: 'auto',
      conflict: 'ask',
      compress: 'auto',
      delta: 'auto',
      lanes: 'auto',
      checksum: false,
      also: [],
      json: false,
      quiet: false,
      domain: 'guest',
      sources: ['file'],
      destination: '/tmp/',
    });
  });

  it('takes several files, and options before, between and after them', () => {
    const args = parseArguments(
      words('-c qemu:///session guest a --json b --link serial1 /tmp --conflict=newer --quiet'),
    );
    assert.ok(args.mode === 'copy');
    assert.deepEqual(args.sources, ['a', 'b']);
    assert.equal(args.destination, '/tmp');
    assert.equal(args.connect, 'qemu:///session');
    assert.equal(args.link, 'serial1');
    assert.equal(args.conflict, 'newer');
    assert.deepEqual([args.json, args.quiet], [true, true]);
  });

  it('takes names that begin with a dash after "--"', () => {
    const args = parseArguments(words('guest -- -file --list /tmp'));
    assert.ok(args.mode === 'copy');
    assert.deepEqual(args.sources, ['-file', '--list']);
  });

  it('takes every value of every choice', () => {
    for (const conflict of ['ask', 'overwrite', 'skip', 'newer', 'rename']) {
      parseArguments(['--conflict', conflict, 'guest', 'a', 'b']);
    }
    for (const option of ['--compress', '--delta', '--lanes']) {
      for (const value of ['auto', 'on', 'off']) parseArguments([option, value, 'guest', 'a', 'b']);
    }
  });

  it('collects further domains', () => {
    const args = parseArguments(words('--also two guest a b --also three'));
    assert.ok(args.mode === 'copy');
    assert.deepEqual([args.domain, args.also], ['guest', ['two', 'three']]);
  });

  it('knows --list, --help and --version', () => {
    assert.deepEqual(parseArguments(['--list']), { mode: 'list', connect: undefined, json: false });
    assert.deepEqual(parseArguments(words('--list --json --connect x:///y')), {
      mode: 'list',
      connect: 'x:///y',
      json: true,
    });
    assert.deepEqual(parseArguments(['--help']), { mode: 'help' });
    assert.deepEqual(parseArguments(['--version']), { mode: 'version' });
  });

  const wrong: readonly [argv: string[], message: RegExp][] = [
    [[], /Missing arguments: guest domain, file and out path/],
    [['guest'], /Missing arguments: file and out path/],
    [['guest', 'file'], /Missing argument: file or out path/],
    [['', 'file', '/tmp'], /guest domain can't be empty/],
    [['guest', '', '/tmp'], /name of a file can't be empty/],
    [['guest', 'file', ''], /out path can't be empty/],
    [['--list', 'guest'], /--list takes no further/],
    [words('--bogus guest a b'), /no option "--bogus"/],
    [words('-x guest a b'), /no option "-x"/],
    [words('guest a b --link'), /"--link" needs a value/],
    [words('guest a b -c'), /"--connect" needs a value/],
    [words('guest a b --link --json'), /"--link" needs a value/],
    [words('guest a b --link='), /--link can't be empty/],
    [words('guest a b --connect='), /--connect can't be empty/],
    [words('guest a b --json=1'), /"--json" takes no value/],
    [
      words('guest a b --conflict maybe'),
      /--conflict must be ask, overwrite, skip, newer or rename, not "maybe"/,
    ],
    [words('guest a b --conflict fail'), /--conflict must be/],
    [words('guest a b --compress yes'), /--compress must be auto, on or off/],
    [words('guest a b --delta ON'), /--delta must be auto, on or off/],
  ];
  for (const [argv, message] of wrong) {
    it(`refuses: com-dd ${argv.map(word => word || "''").join(' ')}`, () => {
      assert.throws(
        () => parseArguments(argv),
        error =>
          error instanceof UsageError && message.test(error.message) && /^[^\n]+\.$/.test(error.message),
      );
    });
  }
});
