/** `clean`: takes away worktree, branch and window of what has landed and holds nothing else; says what it kept, and why. */
import { rmSync } from 'node:fs';
import { relative } from 'node:path';
import { setUpNote } from '../app/paths.ts';
import type { Ports } from '../app/ports.ts';
import { isCancelled, isVerified } from '../core/done.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { createSlots } from '../core/job-slots.ts';
import { commandFor } from '../core/shell-word.ts';
import type { Plan, ProcessIdentity, StreamRecord } from '../core/types.ts';
import { readIfPresent } from '../files/present.ts';
import type { Held, Place, Shared } from '../git/tidy/types.ts';
import { landedKeys, landingBranch } from '../look/landed.ts';
import { endLeftTools } from '../poller/left-processes.ts';
import { refuseGitConfigOfAgents } from '../poller/steps/git-config.ts';
import { type Gathered, gatherStates } from '../report/gather.ts';
import { noteCommand } from './intent.ts';
import { atWork, livingIn, lookForPresence, type Presence } from './living.ts';

/** Streams that are looked at and removed at the same time; more only fight for the disk. */
const AT_ONCE = 3;
/** How long a landing, or another clean, is waited for. */
const LEASE_WAIT_MS = 15_000;

/** What became of one stream; `worktree` as it is shown, null without one. */
type Named = {
  readonly stream: string;
  readonly key: string;
  readonly worktree: string | null;
  readonly branch: string | null;
};
export type Cleaned = Named & { readonly saved: string | null };
export type Kept = Named & { readonly reasons: readonly Held[] };

export type CleanReport = {
  readonly dryRun: boolean;
  readonly removed: readonly Cleaned[];
  readonly kept: readonly Kept[];
  /** Ids of streams that were named and of which nothing was there. */
  readonly nothing: readonly string[];
  readonly warnings: readonly string[];
};

/** What became of all; `trouble`: why one of those that were kept could not be looked at, or removed; null: nothing went wrong. */
export type CleanOutcome = { readonly report: CleanReport; readonly trouble: OrchestrateError | null };

/**
 * Cleans the streams that are named, or all there ever were. With `dryRun` it only says what it would do. Throws exit 4 while
 * something lands or another clean is under way.
 */
export async function clean(
  ports: Ports,
  named: readonly StreamRecord[],
  dryRun: boolean,
): Promise<CleanOutcome> {
  if (dryRun) return cleanAll(ports, named, true);
  const lease = await ports.landingLease.acquire(LEASE_WAIT_MS);
  if (lease === null) {
    const why = 'a landing or another clean is under way: wait until it has ended';
    throw new OrchestrateError(EXIT.busy, why, 'orchestrate clean');
  }
  try {
    await endLeftTools(ports);
    return await cleanAll(ports, named, false);
  } finally {
    lease.release();
  }
}

type Cleaning = Presence & {
  readonly dryRun: boolean;
  readonly gathered: Omit<Gathered, 'report'>;
  readonly shared: Shared;
  readonly landed: ReadonlySet<string>;
  readonly plans: readonly Plan[];
  readonly named: ReadonlySet<string>;
  /** This process. */
  readonly self: ProcessIdentity;
};

async function cleanAll(
  ports: Ports,
  named: readonly StreamRecord[],
  dryRun: boolean,
): Promise<CleanOutcome> {
  await refuseGitConfigOfAgents(ports);
  const gathered = await gatherStates(ports);
  const { readable, unreadable } = ports.state.allRecords();
  const plans = [gathered.look.snapshot.plan, ...ports.plan.earlierPlans()];
  const cleaning: Cleaning = {
    ...lookForPresence(ports, gathered),
    gathered,
    dryRun,
    shared: await ports.git.shared(),
    landed: await landedAnywhere(ports, gathered, plans, readable),
    plans,
    named: new Set(named.map(({ key }) => key)),
    self: ports.processes.identify(process.pid) ?? { pid: process.pid, start: '' },
  };
  const records = [...readable.values()].filter(({ key }) => named.length === 0 || cleaning.named.has(key));
  const slot = createSlots(AT_ONCE);
  const ends = await Promise.allSettled(records.map((record) => slot(() => cleanOne(cleaning, record))));
  const troubles = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
  const unforeseen = troubles.find((error) => !(error instanceof OrchestrateError));
  if (unforeseen !== undefined) throw unforeseen;
  const outcomes = records.map((record, index) => outcomeOfEnd(cleaning, record, ends[index]));
  const report = {
    dryRun,
    removed: outcomes.flatMap((each) => (each !== null && 'saved' in each ? each : [])),
    kept: outcomes.flatMap((each) => (each !== null && 'reasons' in each ? each : [])),
    nothing: records
      .filter((_, index) => outcomes[index] === null)
      .flatMap(({ key, streamId }) => (cleaning.named.has(key) ? [streamId] : [])),
    warnings: [...unreadable.values()].map(({ why }) => why),
  };
  return { report, trouble: troubles[0] ?? null };
}

/** One stream that cannot be looked at, or removed, is kept, and takes nothing from the others. */
function outcomeOfEnd(
  cleaning: Cleaning,
  record: StreamRecord,
  end: PromiseSettledResult<Cleaned | Kept | null> | undefined,
): Cleaned | Kept | null {
  if (end?.status !== 'rejected') return end?.value ?? null;
  const { message, fix }: OrchestrateError = end.reason;
  return { ...outcomeOf(cleaning, record), reasons: [{ kind: 'unreadable', what: message, look: fix }] };
}

/** Keys of everything that has landed, of whatever initiative. */
async function landedAnywhere(
  ports: Ports,
  { look }: Pick<Gathered, 'look'>,
  plans: readonly Plan[],
  all: ReadonlyMap<string, StreamRecord>,
): Promise<ReadonlySet<string>> {
  const landed = new Set(look.snapshot.landed);
  for (const plan of plans.slice(1)) {
    const initiative = plan.initiative?.id ?? '';
    const records = new Map([...all].filter(([, record]) => record.initiativeId === initiative));
    const branch = landingBranch(ports, initiative);
    const tip = branch === null ? null : await ports.git.resolve(`refs/heads/${branch}`);
    if (branch === null || tip === null || records.size === 0) continue;
    const keys = new Map([...records.values()].map(({ streamId, key }) => [streamId, key]));
    const found = await landedKeys(ports, { plan, keys, records, initiative, branch, tip });
    for (const key of found) landed.add(key);
  }
  return landed;
}

/** What became of a stream; null when nothing of it was there. */
async function cleanOne(cleaning: Cleaning, record: StreamRecord): Promise<Cleaned | Kept | null> {
  const place = placeOf(cleaning, record);
  const outcome = outcomeOf(cleaning, record);
  // A living poller sees to what it made ahead of need; of what another one left, that which it holds decides.
  const { records, pollerAlive } = cleaning.gathered.look.snapshot;
  const isAhead = record.ahead !== null && record.runs.length === 0;
  if (isAhead && pollerAlive && records.has(record.key)) return null;
  const early = isAhead ? null : notWanted(cleaning, record);
  if (early !== null) return (outcome.worktree ?? outcome.branch) ? { ...outcome, reasons: [early] } : null;
  if (!cleaning.dryRun) return removeOne(cleaning, record, place, outcome);
  const found = await cleaning.ports.git.find(place, cleaning.shared);
  const reasons = [...found.held, ...livingIn(cleaning, record)];
  if (reasons.length > 0) return { ...outcome, reasons };
  return found.worktree || found.head !== null ? { ...outcome, saved: null } : null;
}

async function removeOne(
  cleaning: Cleaning,
  record: StreamRecord,
  place: Place,
  outcome: Named,
): Promise<Cleaned | Kept | null> {
  const { git, state } = cleaning.ports;
  // From here on no run is opened there: whoever came before is seen now.
  const others = () => {
    const claimed = state.claimRemoval(record.key, cleaning.self);
    const living = livingIn(cleaning, record);
    const ended: Held = { kind: 'agent', what: 'its agent has just ended', look: 'orchestrate clean' };
    return claimed || living.length > 0 ? living : [ended];
  };
  const removal = await git
    .remove(place, cleaning.shared, { stream: record.streamId, reason: 'removed by clean', others })
    .finally(() => state.patchStream(record.key, { removing: null }));
  if (!removal.removed) return { ...outcome, reasons: removal.held };
  const { worktree, branch, saved } = removal;
  if (!worktree && branch === null) return null;
  const what = [...(worktree ? ['worktree'] : []), ...(branch === null ? [] : ['branch'])].join(' and ');
  await forget(cleaning, record, `${what} removed${saved === null ? '' : `, kept as ${saved}`}`);
  return { ...outcome, worktree: worktree ? outcome.worktree : null, branch, saved };
}

function placeOf({ ports, plans }: Cleaning, record: StreamRecord): Place {
  const { key, worktree, branch, branchMade, verified, base, initiativeId } = record;
  const landing = landingBranch(ports, initiativeId);
  // The head that landed comes first: what is beyond it is named.
  const contained = [
    ...(verified !== null && planned(plans, record) !== null ? [verified.sha] : []),
    ...(landing === null ? [] : [`refs/heads/${landing}`]),
    ...(base === null ? [] : [base.sha]),
    ...(record.ahead?.bases ?? []),
  ];
  const made = readIfPresent(setUpNote(ports.paths, key));
  const { disposable } = ports.config.worktree;
  return { key, path: worktree, branch, branchMade, contained, made, disposable };
}

/** The stream as its plan has it, whether or not that is the current one; null when no plan has it. */
function planned(plans: readonly Plan[], { initiativeId, streamId }: StreamRecord) {
  const plan = plans.find(({ initiative }) => (initiative?.id ?? '') === initiativeId);
  return plan?.streams.find(({ id }) => id === streamId) ?? null;
}

function outcomeOf({ ports, shared }: Cleaning, record: StreamRecord): Named {
  const { streamId, key, branch, worktree } = record;
  const below = relative(ports.paths.root, worktree);
  const shown = below.startsWith('..') ? worktree : below;
  return {
    stream: streamId,
    key,
    worktree: shared.entries.some(({ path }) => path === worktree) ? shown : null,
    branch: shared.tips.has(branch) ? branch : null,
  };
}

/** Why a stream is not to be cleaned at all: its agent is at work, or its work is still to land. */
function notWanted({ gathered, landed, plans }: Cleaning, record: StreamRecord): Held | null {
  const { key } = record;
  const working = atWork(record);
  if (working !== null) return working;
  const stream = planned(plans, record);
  // Taken out of the plan: what it holds decides.
  if (stream === null || isCancelled(stream)) return null;
  if (isVerified(stream, record) && landed.has(key)) return null;
  const state = gathered.states.find((each) => each.key === key)?.state;
  const what = 'its work has not landed';
  // No command takes a stream of an earlier plan; one of the same id would take that of the plan now.
  if (state === undefined)
    return { kind: 'not-landed', what: `${what} (of an earlier plan)`, look: 'orchestrate status --all' };
  const done = state === 'done';
  return {
    kind: 'not-landed',
    what: done ? what : `${what} (${state})`,
    look: commandFor(done ? 'merge' : 'status', record),
  };
}

/** After a removal: our notes of it go, and what is left of its window. */
async function forget({ ports, gathered }: Cleaning, record: StreamRecord, message: string): Promise<void> {
  rmSync(setUpNote(ports.paths, record.key), { force: true });
  ports.state.patchStream(record.key, { branchMade: false, ahead: null });
  noteCommand(ports, record.key, message);
  const panes = gathered.look.tmux.known ? gathered.look.tmux.value.panes : [];
  for (const pane of panes)
    if (pane.role === 'worker' && pane.key === record.key && pane.dead)
      await ports.tmux.closePane(pane.id, { key: record.key, run: pane.run });
}
