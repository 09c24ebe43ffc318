/** Tells whether a tool call has a living process of its own, so that a long build is not taken for a hang. Linux only: elsewhere it says no. */
import { readdirSync, readFileSync } from 'node:fs';
import { parseProcStat } from '../../core/proc-stat.ts';

/** Clock ticks a second in /proc, the same on every Linux in use. */
const TICKS_PER_SECOND = 100;
/** The call is written down a moment before or after its process starts. */
const SLACK_MS = 2_000;

/** True when process `pid` has a child not older than `ageMs`. Never throws: what can't be read counts as none. */
export function hasChildYoungerThan(pid: number, ageMs: number): boolean {
  try {
    const uptimeMs = Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) * 1000;
    return childrenOf(pid).some((child) => {
      const stat = parseProcStat(readFileSync(`/proc/${child}/stat`, 'utf8'));
      return stat !== null && uptimeMs - (Number(stat.start) / TICKS_PER_SECOND) * 1000 <= ageMs + SLACK_MS;
    });
  } catch {
    return false;
  }
}

function childrenOf(pid: number): readonly string[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
      .split(' ')
      .filter((child) => child !== ''),
  );
}
