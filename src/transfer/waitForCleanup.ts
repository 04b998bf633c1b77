/** How long a cancelled copy waits for the receiver to say that it has cleaned up; a slow UART's window takes 2 s. */
const CANCEL_MS = 5_000;

/**
 * Gives the receiver a moment to say that it has removed the unfinished file; its session's end does the same, unless
 * the file can be resumed.
 *
 * @returns whether it said so
 */
export async function waitForCleanup(cancelled: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<false>(resolve => {
    timer = setTimeout(() => resolve(false), CANCEL_MS);
  });
  const isClean = await Promise.race([cancelled, patience]);
  clearTimeout(timer);
  return isClean;
}
