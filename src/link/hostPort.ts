import { throwIfAborted } from '../text/abort.ts';
import type { Candidate } from './candidates.ts';
import { LinkError } from './errors.ts';
import type { Link, LinkDescription } from './link.ts';
import { SerialStream } from './serialStream.ts';

export interface OpenHostPortOptions {
  readonly signal?: AbortSignal | undefined;
  /** Counts on a real line only; a pty ignores it. */
  readonly baudRate?: number | undefined;
}

const BAUD_RATE = 115_200;

/** Whether `--link` names something of the host's (`/dev/pts/3`, `/dev/ttyUSB0`, `COM3`), not the domain's. */
export function isHostPort(device: string): boolean {
  return device.startsWith('/') || device.startsWith('\\\\.\\') || /^COM\d{1,3}$/i.test(device);
}

/**
 * Opens a serial line or a pty of the host, raw and locked against other users of it. `serialport` and its
 * native code are loaded here and nowhere else. Throws LinkError `device-missing`, `device-permission`,
 * `busy` or `device-failed`, or an AbortError.
 */
export async function openHostPort(path: string, options: OpenHostPortOptions = {}): Promise<Link> {
  throwIfAborted(options.signal);
  // serialport is CommonJS; in a bundle's chunk it has nothing but its default export.
  const { SerialPort } = (await import('serialport')).default;
  const baudRate = options.baudRate ?? BAUD_RATE;
  const binding = await SerialPort.binding.open({ path, baudRate }).catch(error => {
    throw openError(path, error);
  });
  if (options.signal?.aborted) await binding.close().catch(() => undefined);
  throwIfAborted(options.signal);
  return { stream: new SerialStream(binding, path), description: describe(path) };
}

/** A host's port in the same form as a domain's devices. */
export function hostPortCandidate(path: string): Candidate {
  return { ...describe(path), alias: path, use: 'named-only', reason: 'you named it' };
}

function describe(path: string): LinkDescription {
  const kind = path.startsWith('/dev/pts/') ? 'pty' : 'serialport';
  return { kind, device: path, label: kind === 'pty' ? `pty ${path}` : `serial port ${path}` };
}

/** serialport gives the system's text alone, without its code; these words are strerror's and Windows's. */
function openError(path: string, cause: Error): LinkError {
  const details = { device: path, cause };
  if (/no such file|file not found/i.test(cause.message)) {
    return new LinkError('device-missing', `The host has no serial port "${path}".`, details);
  }
  if (/permission denied|access denied/i.test(cause.message)) {
    const message = `You may not open "${path}": it belongs to another user, or another program has it.`;
    return new LinkError('device-permission', message, details);
  }
  if (/cannot lock port|resource busy|temporarily unavailable/i.test(cause.message)) {
    const message = `The serial port "${path}" is in use by another program: close that and try again.`;
    return new LinkError('busy', message, details);
  }
  return new LinkError('device-failed', `"${path}" can't be used as a serial port.`, details);
}
