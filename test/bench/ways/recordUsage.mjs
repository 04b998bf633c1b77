// Loaded into com-dd by the benchmark (`--import`): leaves what the process took in a file, for nobody outside a
// process can ask for it once it has ended.
import fs from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env.GUESTWIRE_BENCH_USAGE;
if (isMainThread && file) {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    const usage = { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakBytes: highWaterMark() };
    fs.writeFileSync(file, JSON.stringify(usage));
  });
}

/** Not resourceUsage's maxRSS: that also counts the benchmark's own memory, from between fork and exec. */
function highWaterMark() {
  const status = fs.readFileSync('/proc/self/status', 'utf8');
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
