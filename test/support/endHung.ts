// Loaded into the process of each test file: one that still has something open long after its last test, as a failed
// test may leave it, would run for ever and the suite with it.
import { after } from 'node:test';

const GRACE_MS = 60_000;

after(() => {
  // Not held: it counts only where something else holds the process.
  setTimeout(() => {
    process.stderr.write('after its last test this file still has something open\n');
    process.exit(1);
  }, GRACE_MS).unref();
});
