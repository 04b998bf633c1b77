/** What a port gives at best: `dd` in the guest reads, the host writes through the same libvirt stream a copy uses. */
import { connect } from 'libvirt';
import { type Guest, guestPorts } from '../support/guest.ts';

const BLOCK_BYTES = 65_536;
/** The trigger level receiver.py sets where it may; raw is measured with the same. */
const TRIGGER_BYTES = 14;

/** @returns bytes per second through serial1 with nobody but `dd` at the other end; no receiver may be running. */
export async function rawSerialRate(guest: Guest, bytes: number): Promise<number> {
  const port = guestPorts.serial1;
  const trigger = `/sys/class/tty/${port.split('/').at(-1)}/rx_trig_bytes`;
  // A tty forgets its settings at the last close, so something keeps it open.
  await guest.mustRun(
    `setsid sleep 600 <${port} >/dev/null 2>&1 & echo $! > /run/keeper; stty -F ${port} raw -echo; echo ${TRIGGER_BYTES} > ${trigger}`,
  );
  const connection = await connect(guest.uri);
  const stream = await connection.openConsole(await connection.lookupByName(guest.name), 'serial1');
  try {
    const dd = `dd if=${port} of=/dev/null bs=${BLOCK_BYTES} iflag=fullblock,count_bytes count=${bytes}`;
    const finished = guest.mustRun(dd, { timeoutMs: 120_000 });
    const startedAt = performance.now();
    for (let left = bytes; left > 0; left -= BLOCK_BYTES) {
      const block = Buffer.alloc(Math.min(left, BLOCK_BYTES), 0xa5);
      await new Promise<void>((resolve, reject) =>
        stream.write(block, error => (error ? reject(error) : resolve())),
      );
    }
    await finished;
    return bytes / ((performance.now() - startedAt) / 1_000);
  } finally {
    stream.destroy();
    await connection.close();
    await guest.mustRun('kill $(cat /run/keeper)');
  }
}
