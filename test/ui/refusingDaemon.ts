import net from 'node:net';
import { errorPayload, packetBytes, STATUS, TYPE } from '../support/fakeLibvirtd.ts';

const AUTH_UNAVAILABLE = 94;
const AUTH_DOMAIN = 47;
const HEADER_BYTES = 28;

/**
 * FAKE of a libvirt daemon whose polkit refuses everybody: the real one lets root in always, and tests often run as root.
 * Each packet of the client is one call, for it waits for the answer.
 */
export async function startRefusingDaemon(socketPath: string): Promise<net.Server> {
  const server = net.createServer(socket => {
    socket.on('error', () => {});
    socket.on('data', call => {
      if (call.length < HEADER_BYTES) return;
      const [program, , procedure, , serial] = [4, 8, 12, 16, 20].map(at => call.readUInt32BE(at));
      const payload = errorPayload(AUTH_UNAVAILABLE, AUTH_DOMAIN, 'no polkit agent available');
      const header = { program: program ?? 0, procedure: procedure ?? 0, serial: serial ?? 0 };
      socket.write(packetBytes({ ...header, type: TYPE.reply, status: STATUS.error, payload }));
    });
  });
  await new Promise<void>(resolve => server.listen(socketPath, resolve));
  return server;
}
