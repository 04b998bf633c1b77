// Loaded into com-dd by the benchmark (`--import`): leaves what the process took in a file, for nobody outside a
// process can ask for it once it has ended.
import fs from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env.GUESTWIRE_BENCH_USAGE;
if (isMainThread && file) {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const usage = { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakBytes: maxRSS * 1024 };
    fs.writeFileSync(file, JSON.stringify(usage));
  });
}
