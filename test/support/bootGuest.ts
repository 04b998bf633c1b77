// Boots a test guest by hand and keeps it until Ctrl-C: `node test/support/bootGuest.ts [receiver arguments]`.
import { once } from 'node:events';
import { bootGuest } from './guest.ts';
import { ensureLibvirtd } from './libvirtd.ts';

const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
const libvirtd = await ensureLibvirtd();
try {
  const guest = await bootGuest({
    uri: libvirtd.uri,
    name: 'hand',
    receiverArguments: process.argv.slice(2),
  });
  const [serial1, console1] = [await guest.ptyPath('serial1'), await guest.ptyPath('console1')];
  process.stdout.write(`domain    ${guest.name}
connect   export LIBVIRT_DEFAULT_URI='${guest.uri}'
log in    virsh console ${guest.name}        (root shell on serial0; Ctrl-] leaves it)
copy      com-dd ${guest.name} FILE /tmp/
receiver  serves serial1 (${serial1}), console1 (${console1}) and channel0 (org.guestwire.0)
Ctrl-C ends it.
`);
  await stopped;
  await guest.destroy();
} finally {
  await libvirtd.stop();
}
