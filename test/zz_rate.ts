import crypto from 'node:crypto';
import fs from 'node:fs';
import { comDd } from './support/comDd.ts';
import { bootGuest, guestPorts } from './support/guest.ts';
import { ensureLibvirtd } from './support/libvirtd.ts';
const libvirtd = await ensureLibvirtd();
const guest = await bootGuest({ uri: libvirtd.uri, name: 'rate', receiver: 'mono', receiverPorts: [guestPorts.serial1, guestPorts.channel0] });
try {
  fs.writeFileSync('/tmp/psw/r1', crypto.randomBytes(1_500_000));
  fs.writeFileSync('/tmp/psw/r60', crypto.randomBytes(60_000_000));
  const rate = async (link: string, file: string) => {
    const { code, stdout, stderr } = await comDd('--connect', guest.uri, '--link', link, '--conflict', 'overwrite', '--json', guest.name, file, '/tmp/f');
    return code === 0 ? Math.round(JSON.parse(stdout).bytesPerSecond / 1000) : stderr;
  };
  for (const which of ['mono', 'python', 'mono', 'python']) {
    await guest.killReceiver();
    await guest.mustRun(`sed -i '/^RECEIVER_COMMAND/d' /guestwire-test/boot.env; echo "RECEIVER_COMMAND='${which === 'mono' ? 'env MONO_PATH=/usr/lib/mono/4.5 mono-sgen /guestwire-test/engine.exe' : 'python3 /guestwire/receiver.py'}'" >> /guestwire-test/boot.env`);
    await guest.startReceiver();
    await guest.mustRun('echo 14 > /sys/class/tty/ttyS1/rx_trig_bytes; cat /sys/class/tty/ttyS1/rx_trig_bytes');
    await rate('org.guestwire.0', '/tmp/psw/r1');
    console.log(which, 'channel kB/s', await rate('org.guestwire.0', '/tmp/psw/r60'), await rate('org.guestwire.0', '/tmp/psw/r60'));
    console.log(which, 'serial kB/s', await rate('serial1', '/tmp/psw/r1'), await rate('serial1', '/tmp/psw/r1'));
  }
} finally { await guest.destroy(); await libvirtd.stop(); }
