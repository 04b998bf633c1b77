import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../../bench/report/demands.ts';
import type { BenchResult, CaseResult, Row, Sample } from '../../bench/sample.ts';

function row(way: string, samples: Partial<Sample>[]): Row {
  const whole = samples.map((sample, round) => ({ bytes: 1_000, seconds: 1, ...sample, round }));
  return { way, samples: whole, failures: [] };
}

function verdictOf(what: string, ...cases: CaseResult[]) {
  const result: BenchResult = { machine: {}, quick: false, cases };
  return judge(result).find(verdict => verdict.what.startsWith(what));
}

test('a ratio is taken within each round, and its median is judged', () => {
  const rows = [
    row('isa-serial, archive, auto', [{ seconds: 1 }, { seconds: 20 }, { seconds: 4 }]),
    row('isa-serial, archive, off', [{ seconds: 1 }, { seconds: 10 }, { seconds: 4 }]),
  ];
  const verdict = verdictOf('isa-serial, archive', { id: 'compression', title: '', rows });
  assert.equal(verdict?.measured, '1.00 × (0.500 × – 1.00 ×)');
  assert.equal(verdict?.verdict, 'met');
});

test('memory must not grow with the size of the file', () => {
  const rows = [row('1.00 MB', [{ hostRssBytes: 60e6 }]), row('1.00 GB', [{ hostRssBytes: 120e6 }])];
  const verdict = verdictOf('host RSS of com-dd: that', { id: 'sizes', title: '', rows });
  assert.equal(verdict?.measured, '2.00 ×');
  assert.equal(verdict?.verdict, 'not met');
});

test('the most memory is that of com-dd alone, of several at once that of one', () => {
  const rows = [
    row('Kermit', [{ hostRssBytes: 900e6 }]),
    row('Guestwire', [{ hostRssBytes: 70e6, commandSeconds: 1 }]),
    row('4 guests', [{ hostRssBytes: 320e6, hostProcesses: 4, commandSeconds: 1 }]),
  ];
  const verdict = verdictOf('host RSS of com-dd, most', { id: 'fan-out', title: '', rows });
  assert.equal(verdict?.measured, '80.0 MB');
});

test('what was not measured is not called met', () => {
  assert.equal(verdictOf('virtio console, incompressible: raw dd')?.verdict, 'not measured');
});
