/** HELLO and WELCOME, PROTOCOL.md §3: what each side says of itself, checked before it is believed. */
import {
  HOST_FRAME_LIMIT,
  HOST_WINDOW,
  MAX_FRAME_PAYLOAD,
  MAX_STREAMS,
  MIN_FRAME_LIMIT,
  PROTOCOL_HIGH,
  PROTOCOL_LOW,
} from './constants.ts';
import { encodeText, type TextMessage } from './text.ts';

/** What a receiver says of itself. Strings come from the guest: not to be shown without making them harmless. */
export interface Welcome {
  protocol: number;
  session: number;
  agent: string;
  system: 'linux' | 'windows' | 'posix';
  separator: '/' | '\\';
  device: string;
  port: string;
  user: string;
  root: string | undefined;
  readOnly: boolean;
  /** Largest payload the receiver takes, bytes. */
  frame: number;
  /** Bytes of frames that may be under way to the receiver. */
  window: number;
  /** Requests that may be open at once. */
  streams: number;
  capabilities: ReadonlySet<string>;
}

/** Whether further ports are worth joining: only a UART, which wakes the guest for every few bytes, gains by company. */
export function canUseLanes({ device, capabilities }: Welcome): boolean {
  return device === 'uart' && capabilities.has('lanes');
}

export function encodeHello(agent: string): Buffer {
  return encodeText('hello', {
    protocol: `${PROTOCOL_LOW}-${PROTOCOL_HIGH}`,
    agent,
    frame: HOST_FRAME_LIMIT,
    window: HOST_WINDOW,
  });
}

/**
 * The WELCOME's content, or undefined where it makes no sense (then it is treated as noise). What can't be done without
 * is checked strictly; for the rest there is a value that is safe with any receiver.
 */
export function parseWelcome(message: TextMessage): Welcome | undefined {
  const text = (key: string) => message.fields.get(key)?.toString() ?? '';
  const session = /^[0-9a-f]{8}$/.test(text('session')) ? Number.parseInt(text('session'), 16) : 0;
  const protocol = integer(text('protocol'), PROTOCOL_LOW, PROTOCOL_HIGH);
  const window = integer(text('window'), 1, Number.MAX_SAFE_INTEGER);
  const streams = integer(text('streams'), 1, Number.MAX_SAFE_INTEGER);
  if (message.verb !== 'welcome' || !session || !protocol || !window || !streams) return undefined;
  // Every receiver takes that much, whatever it says.
  const frame = integer(text('frame'), 1, Number.MAX_SAFE_INTEGER) ?? MIN_FRAME_LIMIT;
  return {
    protocol,
    session,
    window,
    agent: text('agent'),
    system: oneOf(text('system'), ['linux', 'windows', 'posix']) ?? 'posix',
    separator: oneOf(text('separator'), ['/', '\\']) ?? '/',
    device: text('device'),
    port: text('port'),
    user: text('user'),
    root: message.fields.get('root')?.toString(),
    readOnly: text('read-only') === '1',
    frame: Math.min(frame, MAX_FRAME_PAYLOAD),
    streams: Math.min(streams, MAX_STREAMS),
    capabilities: new Set(text('capabilities').split(',').filter(Boolean)),
  };
}

/** Fifteen digits: all of them are exact as a number. */
function integer(text: string, low: number, high: number): number | undefined {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return value >= low && value <= high ? value : undefined;
}

function oneOf<T extends string>(text: string, values: readonly T[]): T | undefined {
  return values.find(value => value === text);
}
