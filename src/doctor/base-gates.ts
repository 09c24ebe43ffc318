/** What the gates say of the base as it is, without any agent's work: a stream can pass none that the base does not. */
import type { Ports } from '../app/ports.ts';
import { baseFailure, gatesOf } from '../landing/gates.ts';
import { type CheckResult, ok } from './tool-checks.ts';

export const BASE_GATES = 'gates on the base';

/**
 * Runs every gate that is a command once, whatever it said before, in a worktree of ours that is removed again. `tell` hears
 * what runs. Throws an AbortError when `abort` fires: what ran has ended by then.
 */
export async function checkBaseGates(
  ports: Ports,
  run: { readonly abort: AbortSignal; readonly tell: (progress: string) => void },
): Promise<CheckResult> {
  if (ports.config.gates.length === 0) return ok(BASE_GATES, 'there are none to run');
  // A review judges what a stream has changed: of the base there is nothing to judge.
  if (gatesOf(ports).length === 0) return ok(BASE_GATES, 'none of them is a command to run');
  // A landing runs them in the same worktree.
  const lease = await ports.landingLease.acquire(0);
  if (lease === null) {
    const fix = 'run the command again when the landing has ended';
    return { name: BASE_GATES, level: 'warn', message: 'not run: work is landing at the moment', fix };
  }
  const records = ports.state.records(ports.plan.currentInitiative()?.id ?? '');
  const why = await baseFailure({ ports, records, ...run }).finally(() => lease.release());
  const fix = 'mend the base first: no stream can pass a gate that the base does not';
  return why === null ? ok(BASE_GATES, 'all pass') : { name: BASE_GATES, level: 'fail', message: why, fix };
}
