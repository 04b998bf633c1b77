import { type CopyOptions, type CopyResult, type CopyTarget, copyToEach } from '../../transfer/index.ts';
import { diagnose } from '../guest/diagnose.ts';
import { type OpenGuest, type OpenGuestOptions, openGuest } from '../guest/openGuest.ts';
import { type Target, targetName } from '../guest/target.ts';
import { codeOfError, describeError } from '../messages/describeError.ts';
import { contextOf } from '../messages/fileMessages.ts';
import { type Message, type MessageValue, message } from '../messages/message.ts';

/** One guest's part of a copy. */
export interface GuestCopy {
  readonly target: Target;
  readonly destination: string;
  readonly lanes?: OpenGuestOptions['lanes'];
  readonly options: Omit<CopyOptions, 'signal' | 'onInterrupted'>;
  readonly signal: AbortSignal;
  /** How sentences name the connection, where that is more than its URI. */
  readonly connectionName?: MessageValue | undefined;
  /** A receiver answers; the copy hasn't begun. */
  readonly onOpened?: ((guest: OpenGuest) => void) | undefined;
}

/** Why a copy as a whole came to nothing, or broke off. */
export interface CopyFailure {
  /** `aborted` once the signal has fired, whatever the error says. */
  readonly code: string;
  readonly error: unknown;
  readonly message: Message;
}

interface CompleteCopy {
  /** It's closed by now, but still tells which link it was and who answered. */
  readonly guest: OpenGuest;
  readonly result: CopyResult;
  readonly failure?: undefined;
}

interface BrokenCopy {
  /** Undefined where no receiver was reached. */
  readonly guest: OpenGuest | undefined;
  /** What had been done by then; undefined where no file was begun. */
  readonly result: CopyResult | undefined;
  readonly failure: CopyFailure;
}

/** How the copy into one guest ended. */
export type CopyEnd = CompleteCopy | BrokenCopy;

/**
 * Copies the same sources into one guest or several, from connecting to closing. The copies begin together, once it's
 * known in which guests a receiver answers, so that each source is read once; none waits for another to end.
 *
 * @param open - for tests, which have no libvirt
 * @returns a promise for each guest; none rejects
 */
export function runCopies(
  copies: readonly GuestCopy[],
  sources: readonly string[],
  open = openGuest,
): Promise<CopyEnd>[] {
  const opening = copies.map(async copy => new OpenCopy(copy, sources, await open(copy.target, copy)));
  const begun = beginTogether(opening, sources);
  return copies.map(async (copy, index) => {
    try {
      const opened = (await opening[index]) as OpenCopy;
      return await opened.finish((await begun).get(opened) as Promise<CopyResult>);
    } catch (error) {
      return { guest: undefined, result: undefined, failure: failureOf(copy, sources, error) };
    }
  });
}

async function beginTogether(
  opening: readonly Promise<OpenCopy>[],
  sources: readonly string[],
): Promise<ReadonlyMap<OpenCopy, Promise<CopyResult>>> {
  const opened = (await Promise.allSettled(opening)).flatMap(one =>
    one.status === 'fulfilled' ? [one.value] : [],
  );
  const results = copyToEach(
    opened.map(copy => copy.target),
    sources,
  );
  return new Map(opened.map((copy, index) => [copy, results[index] as Promise<CopyResult>]));
}

/** The copy into a guest in which a receiver has answered. */
class OpenCopy {
  readonly target: CopyTarget;
  readonly #copy: GuestCopy;
  readonly #sources: readonly string[];
  readonly #guest: OpenGuest;
  #partial: CopyResult | undefined;

  constructor(copy: GuestCopy, sources: readonly string[], guest: OpenGuest) {
    this.#copy = copy;
    this.#sources = sources;
    this.#guest = guest;
    const onInterrupted = (partial: CopyResult) => {
      this.#partial = partial;
    };
    const options = { ...copy.options, signal: copy.signal, onInterrupted };
    this.target = { session: guest.session, destination: copy.destination, options };
    copy.onOpened?.(guest);
  }

  async finish(copying: Promise<CopyResult>): Promise<CopyEnd> {
    const guest = this.#guest;
    try {
      return { guest, result: await copying };
    } catch (thrown) {
      const error = this.#copy.signal.aborted ? thrown : await diagnose(thrown, guest);
      const failure = failureOf(this.#copy, this.#sources, error, guest);
      return { guest, result: this.#partial, failure };
    } finally {
      await guest.close().catch(() => undefined);
    }
  }
}

function failureOf(
  { target, destination, signal, connectionName }: GuestCopy,
  sources: readonly string[],
  error: unknown,
  guest?: OpenGuest,
): CopyFailure {
  if (signal.aborted) return { code: 'aborted', error, message: message('copy.cancelled') };
  const context = {
    ...contextOf(guest),
    uri: connectionName ?? (target.kind === 'domain' ? target.uri : undefined),
    domain: guest?.domain?.name ?? targetName(target),
    source: sources[0],
    destination,
  };
  return { code: codeOfError(error), error, message: describeError(error, context) };
}
