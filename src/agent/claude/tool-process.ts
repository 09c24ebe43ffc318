/** Tells whether a tool call has a living process of its own, so that a long build is not taken for a hang. Linux only: elsewhere it says no. */
import { parseProcStat } from '../../core/proc-stat.ts';
import { listIfPresent, readIfPresent } from '../../files/present.ts';

/** Clock ticks a second in /proc, the same on every Linux in use. */
const TICKS_PER_SECOND = 100;
/** The call is written down a moment before or after its process starts. */
const SLACK_MS = 2_000;

/** True when process `pid` has a child not older than `ageMs`; false where there is no /proc. Throws what else the system says. */
export function hasChildYoungerThan(pid: number, ageMs: number): boolean {
  const uptime = readProc('/proc/uptime');
  if (uptime === null) return false;
  const uptimeMs = Number.parseFloat(uptime) * 1000;
  return childrenOf(pid).some((child) => {
    const stat = parseProcStat(readProc(`/proc/${child}/stat`) ?? '');
    return stat !== null && uptimeMs - (Number(stat.start) / TICKS_PER_SECOND) * 1000 <= ageMs + SLACK_MS;
  });
}

function childrenOf(pid: number): readonly string[] {
  return listIfPresent(`/proc/${pid}/task`).flatMap((thread) =>
    (readProc(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter((child) => child !== ''),
  );
}

/** A file of /proc; null when the process has ended, also while it was being read (ESRCH). */
function readProc(file: string): string | null {
  try {
    return readIfPresent(file);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return null;
    throw thrown;
  }
}
