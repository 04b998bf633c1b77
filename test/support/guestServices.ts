// A guest whose services start with it: a real busybox init, process 1 of a namespace, for process 1 of the guest itself
// is the tests' script.
import type { Guest } from './guest.ts';

const PID_FILE = '/run/init.pid';

/** Starts init, with what is in /etc/inittab. */
export async function startInit(guest: Guest): Promise<void> {
  const start = `read -r pid rest < /proc/self/stat; echo $pid > ${PID_FILE}; mount -t proc proc /proc; exec init`;
  await guest.mustRun(
    `rm -f ${PID_FILE}; setsid unshare -p -f -m sh -c '${start}' < /dev/null > /run/init.log 2>&1 &`,
  );
  const isInit = `grep -qx init /proc/$(cat ${PID_FILE})/comm`;
  await guest.mustRun(`until [ -s ${PID_FILE} ] && ${isInit}; do usleep 50000; done`);
}

/** Runs a command among the processes of that init. */
export function inInit(guest: Guest, command: string, timeoutMs = 60_000): Promise<string> {
  return guest.mustRun(`nsenter -t $(cat ${PID_FILE}) -p -m sh -c '${command}' 2>&1`, { timeoutMs });
}

export async function killInit(guest: Guest): Promise<void> {
  await guest.mustRun(`kill -KILL $(cat ${PID_FILE})`);
}
