/** Rules for an interactive agent at rest: check its work, say what is missing, or call the user. */

import {
  blockedText,
  dependencyHeads,
  gateText,
  openTasksNamed,
  openTasksText,
  tasksComplete,
  verdictOn,
} from '../done.ts';
import { isOfThisRest } from '../pause.ts';
import { commandFor } from '../shell-word.ts';
import type { AgentActivity, Run, Verdict } from '../types.ts';
import type { Assessment, Situation } from './assessment.ts';
import { assess, headOf, verifying } from './assessment.ts';
import { clashInRun } from './moved.ts';

/** How long an idle agent may rest before it counts: its next turn may be about to begin. */
const SETTLE_MS = 1_500;
/** How long an agent may take to react to a message before the user should look. */
export const NUDGE_ANSWER_MS = 60_000;

/** What the stop gate cannot see: these go back to the agent also after it gave up. */
const BEYOND_THE_STOP_GATE: ReadonlySet<Verdict['cause']> = new Set(['gate', 'gate-void', 'missing-parents']);

/** Assesses an agent at rest. */
export function assessIdle(situation: Situation, run: Run, activity: AgentActivity): Assessment {
  const { stream, snapshot } = situation;
  const restedMs = activity.sinceMs === null ? SETTLE_MS : snapshot.elapsed(activity.sinceMs);
  if (tasksComplete(stream)) return assessComplete(situation, run, activity);
  if (stream.tasks.blocked > 0) {
    const reason = blockedText(stream);
    return assess('blocked', { reason, remedy: commandFor('attach', stream.id), sinceMs: activity.sinceMs });
  }
  const given = gaveUp(situation, run, activity);
  if (given !== null) return given;
  if (restedMs < SETTLE_MS) {
    return assess('running', { sinceMs: activity.sinceMs, dueAtMs: snapshot.nowMs + SETTLE_MS - restedMs });
  }
  return tell(situation, run, activity, openTasksNamed(stream), `stopped with ${openTasksText(stream)}`);
}

/** All tasks are complete: the work is checked, and what the check found goes back to the agent. */
function assessComplete(situation: Situation, run: Run, activity: AgentActivity): Assessment {
  const clashes = clashInRun(situation, run);
  if (clashes !== null) return clashes;
  const verdict = verdictOfThisRest(situation, run, activity);
  // A good verdict without a recorded verified head was cut short: check again.
  if (verdict === null || verdict.ok) return verifying(situation, run.number);
  const known = BEYOND_THE_STOP_GATE.has(verdict.cause) ? null : gaveUp(situation, run, activity);
  return known ?? tell(situation, run, activity, verdict.message, foundText(situation, verdict));
}

/** The verdict, when it was reached on this head and in this rest of the agent. */
function verdictOfThisRest(situation: Situation, run: Run, activity: AgentActivity): Verdict | null {
  const verdict = verdictOn(run, headOf(situation));
  return verdict !== null && isOfThisRest(run, activity, verdict.rest) ? verdict : null;
}

/** The agent was told what is missing as often as makes sense when it wanted to stop: it is not told again. */
function gaveUp({ stream }: Situation, run: Run, activity: AgentActivity): Assessment | null {
  const reason = run.stopGate?.gaveUp ?? null;
  if (reason === null) return null;
  return assess('needs-input', {
    reason,
    remedy: commandFor('attach', stream.id),
    sinceMs: activity.sinceMs,
  });
}

/** Why the run of an agent that has ended came to nothing: which dependency it did not merge says more than a commit. */
export function endedText(situation: Situation, verdict: Verdict): string {
  return verdict.cause === 'missing-parents' ? foundText(situation, verdict) : verdict.message;
}

/** What the check of an agent that stopped has found, for the user. */
function foundText({ stream, snapshot }: Situation, { cause, message, gate, parents }: Verdict): string {
  switch (cause) {
    case 'missing-parents': {
      const unmerged = stream.dependencies.flatMap((id) => {
        const [head] = dependencyHeads({ dependencies: [id] }, snapshot) ?? [];
        return head !== undefined && parents.includes(head) ? [`${id} (${head.slice(0, 7)})`] : [];
      });
      return `stopped without merging ${unmerged.join(', ') || 'its base'}`;
    }
    case 'no-commits':
      return 'stopped without a commit';
    case 'dirty':
      return `stopped with files ${message}`;
    case 'gate':
      return gate === null ? message : `${gateText(gate)}; the agent stopped`;
    case 'gate-void':
      return message;
    default:
      return `stopped, but ${message}`;
  }
}

/** Tells the idle agent what is missing, a bounded number of times; then it is the user's turn, told so by `stopped`. */
function tell(
  situation: Situation,
  run: Run,
  activity: AgentActivity,
  missing: string,
  stopped: string,
): Assessment {
  const { key, policy, snapshot, stream } = situation;
  const toldMs = run.lastNudgeAtMs;
  const told = toldMs !== null && isOfThisRest(run, activity, run.lastNudgeRest);
  const waitMs = told ? NUDGE_ANSWER_MS - snapshot.elapsed(toldMs) : 0;
  if (waitMs > 0) {
    return assess('running', {
      reason: `${stopped}; the agent was told`,
      sinceMs: toldMs,
      dueAtMs: snapshot.nowMs + waitMs,
    });
  }
  if (told || run.nudges >= policy.maxNudges || !snapshot.pollerAlive) {
    return assess('needs-input', {
      reason: stopped,
      remedy: commandFor('attach', stream.id),
      sinceMs: activity.sinceMs,
    });
  }
  return assess('running', {
    reason: stopped,
    action: {
      kind: 'nudge',
      key,
      run: run.number,
      reason: missing,
      text: nudgeText(missing),
      about: 'work',
      leaveDialog: false,
    },
  });
}

/** The fixed sentence typed to the agent; only ids, file names and our own words are in it. */
function nudgeText(missing: string): string {
  return `orchestrate: this stream is not done yet: ${missing}. Please finish, commit, and complete your tasks; or mark a task blocked with the reason.`;
}
