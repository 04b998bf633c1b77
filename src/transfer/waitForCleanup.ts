/** How long a cancelled copy waits for the receiver to say that it has cleaned up. */
const CANCEL_MS = 2_000;

/** Gives the receiver a moment to say that it has removed the unfinished file; its session's end does the same. */
export async function waitForCleanup(cancelled: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>(resolve => {
    timer = setTimeout(resolve, CANCEL_MS);
  });
  await Promise.race([cancelled, patience]);
  clearTimeout(timer);
}
