import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultUris, parseUri, socketPaths } from '../../../src/libvirt/src/uri.ts';

const parsed: ReadonlyArray<[string, Partial<ReturnType<typeof parseUri>>]> = [
  ['qemu:///system', { driver: 'qemu', transport: 'unix', host: '', remoteName: 'qemu:///system' }],
  ['qemu+unix:///session', { transport: 'unix', remoteName: 'qemu:///session' }],
  [
    'qemu:///session?socket=/tmp/a b/sock',
    { transport: 'unix', remoteName: 'qemu:///session', sessionDaemon: process.geteuid?.() !== 0 },
  ],
  [
    'qemu+ssh://anna@host.example:2222/system?keyfile=/k&no_tty=1',
    { transport: 'ssh', host: 'host.example', user: 'anna', port: 2222, remoteName: 'qemu:///system' },
  ],
  ['qemu://host/system', { transport: 'tls', host: 'host', port: undefined }],
  ['lxc:///', { driver: 'lxc', remoteName: 'lxc:///' }],
  ['test:///default', { driver: 'test', remoteName: 'test:///default' }],
  ['qemu+ssh://h/system?name=qemu:///session', { remoteName: 'qemu:///session' }],
  ['esx://h/?no_verify=1&auto_answer=1', { remoteName: 'esx:///?auto_answer=1' }],
  ['esx://h/?no_verify=1;auto_answer=a b', { remoteName: 'esx:///?auto_answer=a%20b' }],
  ['qemu:/system', { transport: 'unix', host: '', remoteName: 'qemu:///system' }],
  ['qemu:/session?socket=/tmp/s', { remoteName: 'qemu:///session' }],
];
for (const [text, expected] of parsed) {
  test(`parses ${text}`, () => {
    const uri = parseUri(text);
    assert.equal(uri.text, text);
    for (const [key, value] of Object.entries(expected)) {
      assert.deepEqual(uri[key as keyof typeof uri], value, key);
    }
  });
}

for (const text of [
  '',
  'qemu',
  'system',
  'qemu:system',
  '/var/run/libvirt/libvirt-sock',
  'qemu://h:99999/system',
]) {
  test(`refuses "${text}"`, () => {
    assert.throws(() => parseUri(text), { name: 'LibvirtError', code: 'bad-uri' });
  });
}

test('the driver’s own daemon is tried before libvirtd', () => {
  assert.deepEqual(socketPaths(parseUri('qemu:///system')), {
    readWrite: ['/var/run/libvirt/virtqemud-sock', '/var/run/libvirt/libvirt-sock'],
    readOnly: ['/var/run/libvirt/virtqemud-sock-ro', '/var/run/libvirt/libvirt-sock-ro'],
  });
});

test('a socket that is named is the only one', () => {
  assert.deepEqual(socketPaths(parseUri('qemu:///session?socket=/tmp/s')), {
    readWrite: ['/tmp/s'],
    readOnly: [],
  });
});

// Where virsh 9.0 looks for each of them.
const sockets: ReadonlyArray<[string, string]> = [
  ['?no_verify=1;socket=/tmp/s', '/tmp/s'],
  ['?;;socket=/tmp/s;', '/tmp/s'],
  ['?socket=/tmp/a;b&no_tty=1', '/tmp/a;b'],
  ['?SOCKET=/tmp/s', '/tmp/s'],
  ['?socket=/tmp/a+b', '/tmp/a+b'],
  ['?socket=/tmp/a%2Bb%20c', '/tmp/a+b c'],
  ['?socket=/tmp/%c3%a9=1', '/tmp/é=1'],
];
for (const [parameters, path] of sockets) {
  test(`finds the socket in ${parameters}`, () => {
    assert.deepEqual(socketPaths(parseUri(`qemu:///system${parameters}`)).readWrite, [path]);
  });
}

test('the session’s sockets are in XDG_RUNTIME_DIR, else in the cache; root has none', () => {
  const uri = { ...parseUri('qemu:///session'), sessionDaemon: true };
  assert.deepEqual(socketPaths(uri, { XDG_RUNTIME_DIR: '/run/user/7' }).readWrite, [
    '/run/user/7/libvirt/virtqemud-sock',
    '/run/user/7/libvirt/libvirt-sock',
  ]);
  assert.equal(
    socketPaths(uri, { HOME: '/home/anna' }).readWrite[1],
    '/home/anna/.cache/libvirt/libvirt-sock',
  );
  const asRoot = { ...uri, sessionDaemon: false };
  assert.equal(socketPaths(asRoot, {}).readWrite[1], '/var/run/libvirt/libvirt-sock');
});

test('LIBVIRT_DEFAULT_URI wins; an empty one does not count', () => {
  assert.deepEqual(defaultUris({ LIBVIRT_DEFAULT_URI: 'test:///default' }), ['test:///default']);
  const own = process.geteuid?.() === 0 ? [] : ['qemu:///session'];
  assert.deepEqual(defaultUris({ LIBVIRT_DEFAULT_URI: '' }), ['qemu:///system', ...own]);
});
