// The workspace `libvirt` as a package of its own, used the way a stranger's program would.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { repositoryRoot } from '../../support/paths.ts';
import { run } from '../../support/processes.ts';

const program = `
import { connect, defaultUris, isLibvirtError } from 'libvirt';
const [uri = '']: string[] = defaultUris();
const failed = await connect('qemu:///system?socket=/no/such/socket').catch(
  (error: unknown) => isLibvirtError(error) && error.code,
);
console.log(typeof uri, failed);
`;

describe('the package libvirt', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'guestwire-libvirt-'));
  const dist = path.join(repositoryRoot, 'src/libvirt/dist');

  before(async () => {
    await run('npm', ['run', '--silent', 'build', '--workspace', 'libvirt'], { cwd: repositoryRoot });
    fs.cpSync(dist, path.join(directory, 'node_modules/libvirt'), { recursive: true });
    fs.symlinkSync(
      path.join(repositoryRoot, 'node_modules/@types'),
      path.join(directory, 'node_modules/@types'),
    );
    fs.writeFileSync(path.join(directory, 'package.json'), '{ "type": "module" }');
    fs.writeFileSync(path.join(directory, 'program.ts'), program);
  });

  after(() => fs.rmSync(directory, { recursive: true, force: true }));

  it('holds JavaScript, types, README and licence, and no TypeScript', async () => {
    const stdout = await run('npm', ['pack', '--dry-run', '--json'], { cwd: dist });
    const [{ files }] = JSON.parse(stdout);
    const names: string[] = files.map((file: { path: string }) => file.path);
    for (const name of ['index.js', 'index.d.ts', 'README.md', 'LICENSE', 'package.json']) {
      assert.ok(names.includes(name), name);
    }
    assert.deepEqual(
      names.filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts')),
      [],
    );
  });

  it('compiles and runs in a program that has nothing of this repository', async () => {
    const options = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
    await run('tsc', [...options, 'program.ts'], { cwd: directory });
    const stdout = await run('node', ['program.js'], { cwd: directory });
    assert.equal(stdout, 'string no-socket\n');
  });
});
