/** Gives a stream's agent something to do besides its tasks, in its own conversation: a merge that clashes, or what a review said. */
import type { Ports } from '../app/ports.ts';
import { clash } from '../core/decide/moved.ts';
import { movedHeads } from '../core/done.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { commandFor } from '../core/shell-word.ts';
import type { Assignment, PlanStream, Snapshot, StreamRecord } from '../core/types.ts';
import { landDry } from '../landing/land.ts';
import { pollerLives, takeLook } from '../look/snapshot.ts';
import { recordNow } from './find-stream.ts';
import { clearStream, noteCommand } from './intent.ts';
import { planSync } from './sync.ts';

/** Characters of notes that are kept for an agent. */
export const MOST_NOTES = 40_000;

export type Assigned = { readonly pollerAlive: boolean; readonly what: string };

/**
 * Gives the merge that clashes to the stream's agent, before anything else: that of its dependencies, or that with the
 * branch on which its work is to land. Throws exit 5 without a clash.
 */
export async function resolve(ports: Ports, record: StreamRecord): Promise<Assigned> {
  const { snapshot } = await takeLook(ports, null, false);
  const stream = snapshot.plan.streams.find(({ id }) => id === record.streamId);
  if (stream !== undefined && record.conflict !== null && clash({ stream, record, snapshot }) !== null)
    return resolveBase(ports, record, stream, snapshot, record.conflict.files);
  const { landingClash, verified } = record;
  if (landingClash !== null && verified !== null && landingClash.head === verified.sha)
    return resolveLanding(ports, record, landingClash, snapshot);
  if (stream !== undefined && verified !== null) {
    // Nothing has run into it yet, but a dry run names it, and with it this command.
    const answers = await planSync(ports, [record.streamId]);
    const behind = answers.find((each) => each.stream === record.streamId && each.result === 'conflict');
    if (behind !== undefined) return resolveBase(ports, record, stream, snapshot, behind.files);
    const ahead = await clashAhead(ports, record.streamId);
    if (ahead !== null) return resolveLanding(ports, record, ahead, snapshot);
  }
  throw new OrchestrateError(
    EXIT.refused,
    `${record.streamId} clashes with nothing that is known: neither with what it builds on nor in landing`,
    commandFor('status', record),
  );
}

type Clash = Pick<NonNullable<StreamRecord['landingClash']>, 'branch' | 'files' | 'against'>;

/** What the stream would clash with if all that is done landed now; null for nothing. */
async function clashAhead(ports: Ports, streamId: string): Promise<Clash | null> {
  const abort = new AbortController().signal;
  const all = { named: [], into: null, strategy: null, gates: false, abort, tell: () => undefined };
  const { branch, clashes } = await landDry(ports, all);
  const found = clashes.find(({ stream }) => stream === streamId);
  return found === undefined ? null : { branch, files: found.files, against: found.against };
}

function resolveBase(
  ports: Ports,
  record: StreamRecord,
  stream: PlanStream,
  snapshot: Snapshot,
  files: readonly string[],
): Assigned {
  const merges = movedHeads(stream, snapshot).map(({ id, sha }) => ({ name: id, sha }));
  // One that never worked begins on one of them; else, also where it was adopted, there is work to go on with.
  const started = record.runs.length > 0;
  const what = 'its dependencies';
  if (started || record.verified !== null)
    assign(ports, record, { merges, files }, `is to merge ${what} first`);
  else {
    clearStream(ports, { ...record, resolve: true });
    noteCommand(ports, record.key, `its agent is to merge ${what} first`);
  }
  if (!started) ports.state.patchStream(record.key, { resolve: true });
  return { pollerAlive: pollerLives(ports), what };
}

async function resolveLanding(
  ports: Ports,
  record: StreamRecord,
  found: Clash,
  snapshot: Snapshot,
): Promise<Assigned> {
  const tip = await ports.git.resolve(`refs/heads/${found.branch}`);
  if (tip === null)
    throw new OrchestrateError(EXIT.environment, `the branch ${found.branch} is gone`, 'orchestrate merge');
  // Work that is to land before it, and has not yet, is no part of the branch: it is merged as it was verified.
  const before = found.against.flatMap((id) => {
    const other = snapshot.records.get(snapshot.keys.get(id) ?? '');
    const landed = other === undefined || snapshot.landed.has(other.key);
    return landed || other.verified === null ? [] : [{ name: id, sha: other.verified.sha }];
  });
  const merges = [{ name: found.branch, sha: tip }, ...before];
  const what = merges.map(({ name }) => name).join(', ');
  assign(ports, record, { merges, files: found.files }, `is to merge ${what} into its work`);
  return { pollerAlive: pollerLives(ports), what };
}

/**
 * Hands the notes of a review to the stream, whose agent has ended: it goes on in a new run. Throws exit 7 where they are too
 * long, with those that were given before.
 */
export function assignNotes(ports: Ports, record: StreamRecord, notes: string): Assigned {
  const before = recordNow(ports, record).assignment?.notes;
  const all = before == null ? notes : `${before}\n\n${notes}`;
  if (all.length > MOST_NOTES)
    throw new OrchestrateError(
      EXIT.input,
      `the notes for ${record.streamId} have ${all.length} characters, at most ${MOST_NOTES} are given to an agent: let it deal with those it has first`,
      commandFor('start', record),
    );
  assign(ports, record, { notes: all }, 'is to deal with the notes of a review');
  return { pollerAlive: pollerLives(ports), what: 'the notes' };
}

/** What was given before and has not come to its end stays. A user may have looked for long: `seen` is the record as it was then. */
function assign(ports: Ports, seen: StreamRecord, part: Partial<Assignment>, told: string): void {
  const record = recordNow(ports, seen);
  const before: Assignment = record.assignment ?? { afterRun: 0, merges: [], files: [], notes: null };
  const afterRun = record.runs.at(-1)?.number ?? 0;
  clearStream(ports, record);
  ports.state.patchStream(record.key, { assignment: { ...before, ...part, afterRun } });
  noteCommand(ports, record.key, `its agent ${told}`);
}
