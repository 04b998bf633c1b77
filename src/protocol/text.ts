/**
 * Text payloads, PROTOCOL.md §2: a verb line, then `key=value` lines with percent-encoded values.
 * Values are bytes on the wire; here they are strings (UTF-8) on writing and Buffers on reading.
 */
import { MAX_TEXT_BYTES } from './constants.ts';

export type FieldValue = string | number | Buffer | undefined;

export interface TextMessage {
  verb: string;
  fields: Map<string, Buffer>;
}

/** Verbs and keys. Everything else is refused, so that a word never needs escaping. */
const WORD = /^[a-z0-9-]+$/;
const LINE_FEED = 0x0a;

/** @throws RangeError when the text would be longer than a receiver must accept (a path over the limit). */
export function encodeText(verb: string, fields: Record<string, FieldValue> = {}): Buffer {
  let text = `${verb}\n`;
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) text += `${key}=${encodeValue(value)}\n`;
  }
  const payload = Buffer.from(text, 'latin1');
  if (payload.length > MAX_TEXT_BYTES) throw new RangeError('text payload too long');
  return payload;
}

/** The message, or undefined where the payload breaks a rule of §2 (the peer is not to be trusted). */
export function decodeText(payload: Buffer): TextMessage | undefined {
  if (payload.length === 0 || payload.length > MAX_TEXT_BYTES) return undefined;
  if (payload[payload.length - 1] !== LINE_FEED) return undefined;
  const [verb = '', ...lines] = payload.toString('latin1').slice(0, -1).split('\n');
  if (!WORD.test(verb)) return undefined;
  const fields = new Map<string, Buffer>();
  for (const line of lines) {
    const equals = line.indexOf('=');
    const key = line.slice(0, equals);
    if (equals < 1 || !WORD.test(key) || fields.has(key)) return undefined;
    const value = decodeValue(line.slice(equals + 1));
    if (!value) return undefined;
    fields.set(key, value);
  }
  return { verb, fields };
}

/** Printable ASCII but `%` goes as it is; names are mostly that, and a log of the line stays readable. */
function encodeValue(value: string | number | Buffer): string {
  const latin1 = (Buffer.isBuffer(value) ? value : Buffer.from(String(value))).toString('latin1');
  return latin1.replace(
    /[^!-$&-~]/g,
    byte => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** Undefined where a byte isn't printable ASCII, or a `%` isn't followed by two digits. */
function decodeValue(text: string): Buffer | undefined {
  if (/[^!-~]|%(?![0-9A-Fa-f]{2})/.test(text)) return undefined;
  const latin1 = text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(latin1, 'latin1');
}
