/** Rules for a stream whose dependencies have moved since it was built on them: follow them, ask about a clash, tell its agent. */

import { dependencyHeads, movedHeads, verdictOn } from '../done.ts';
import { commandFor } from '../shell-word.ts';
import type { AgentActivity, Run } from '../types.ts';
import type { Assessment, Situation } from './assessment.ts';
import { assess, endRun, headOf } from './assessment.ts';
import { isWanted } from './schedule.ts';

/** Files named in a reason. */
const NAMED = 10;

/** Its dependencies, as they are now, were found not to merge with each other or with its work, and nobody sees to that yet. */
export function clash({
  stream,
  record,
  snapshot,
}: Pick<Situation, 'stream' | 'record' | 'snapshot'>): Assessment | null {
  if (record === null || record.conflict === null || record.assignment !== null) return null;
  const started = record.runs.length > 0;
  // Of before its first run: its agent had it to merge, and what came of that is checked as any work is.
  if (started ? movedHeads(stream, snapshot).length === 0 : record.resolve) return null;
  const heads = dependencyHeads(stream, snapshot);
  if (heads === null || heads.join() !== record.conflict.parents.join()) return null;
  const what = started
    ? 'it does not merge with what its dependencies have come to'
    : 'its dependencies do not merge';
  return assess('base-conflict', {
    reason: `${what}: ${record.conflict.files.slice(0, NAMED).join(', ')}`,
    remedy: commandFor('resolve', stream.id),
  });
}

/** The same for a stream whose agent is at rest in an open run: that run ends, the conversation stays to be gone on with. */
export function clashInRun(situation: Situation, run: Run): Assessment | null {
  const found = clash(situation);
  if (found?.reason == null || !situation.snapshot.pollerAlive) return found;
  return { ...found, action: endRun(situation, run, 'stopped', found.reason) };
}

/** A stream that is done follows what it builds on, once all of that is done and up to date itself; null where it does not. */
export function follow(situation: Situation): Assessment | null {
  const { stream, record, key, policy, snapshot, dependencies, stale } = situation;
  if (record === null || !snapshot.pollerAlive || !snapshot.heads.known) return null;
  const byItself = policy.sync === 'auto' && record.intent === 'none' && isWanted(policy, stream.id, record);
  const asked = record.syncRequested || byItself;
  const settled = stream.dependencies.every((id) => dependencies.get(id)?.state === 'done' && !stale.has(id));
  if (!asked || !settled || movedHeads(stream, snapshot).length === 0) return null;
  const reason = stale.get(stream.id) ?? 'what it builds on has moved';
  return assess('done', {
    sinceMs: record.verified?.atMs ?? null,
    action: { kind: 'sync', key, run: null, reason },
  });
}

/**
 * A stream that is done and whose branch the user has moved since (a fix by hand) is checked at its new head; while that
 * check finds something, it stays done at the one before. Null where its branch is where it was, or gone.
 */
export function checkMoved(situation: Situation): Assessment | null {
  const { stream, record, key, policy, snapshot, lastRun } = situation;
  const head = headOf(situation);
  if (record?.verified == null || lastRun === null || head == null || head === record.verified.sha)
    return null;
  if (!snapshot.pollerAlive || record.intent !== 'none' || !isWanted(policy, stream.id, record)) return null;
  if (verdictOn(lastRun, head)?.ok === false) return null;
  const reason = `its branch has moved on to ${head.slice(0, 10)} since it was checked`;
  return assess('verifying', {
    reason,
    remedy: commandFor('logs', stream.id),
    action: { kind: 'verify', key, run: lastRun.number, reason },
  });
}

/** An agent at work is told once of each head that it may merge when its own work is committed; null when there is none. */
export function tellOfMove(situation: Situation, run: Run, activity: AgentActivity): Assessment | null {
  const { stream, record, key, policy, snapshot, stale } = situation;
  if (!policy.interactive || !snapshot.pollerAlive || activity.dialog !== null) return null;
  if (policy.sync === 'ask' && record?.syncRequested !== true) return null;
  const told = run.toldOf ?? [];
  const news = movedHeads(stream, snapshot).filter(({ id, sha }) => !stale.has(id) && !told.includes(sha));
  if (news.length === 0) return null;
  const what = news.map(({ id, sha }) => `${id} has moved on to ${sha}`).join(', ');
  const merges = news.map(({ sha }) => `git merge --no-edit ${sha}`).join(' && ');
  return assess('running', {
    sinceMs: run.claimedAtMs ?? run.startedAtMs,
    action: {
      kind: 'nudge',
      key,
      run: run.number,
      reason: what,
      text: `orchestrate: what you build on has changed: ${what}. At the next good point, with your own work committed, run: ${merges}`,
      about: 'moved',
      leaveDialog: false,
      heads: [...told, ...news.map(({ sha }) => sha)],
    },
  });
}
