/** Takes the snapshot a tick decides on: one look at the plan, our records, tmux, git and the agents; decides nothing. */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Ports } from '../app/ports.ts';
import { messageOf } from '../core/errors.ts';
import { branchName, worktreePath } from '../core/stream-key.ts';
import type { Action, Known, Plan, Snapshot, StreamRecord, Trouble } from '../core/types.ts';
import type { RefFacts } from '../git/types.ts';
import type { Unreadable } from '../state/types.ts';
import type { TmuxFacts } from '../tmux/types.ts';
import { landedKeys, landingBranch } from './landed.ts';
import { questionOf, readPublished, type Seen } from './published.ts';
import { readWorkers, recordedPanes } from './workers.ts';

export type InFlight = ReadonlyMap<string, { readonly kind: Action['kind']; readonly sinceMs: number }>;

/** The snapshot with the raw facts that views want besides. */
export type Look = {
  readonly snapshot: Snapshot;
  readonly tmux: Known<TmuxFacts>;
  readonly refs: Known<RefFacts>;
  /** What could not be read besides, in words. */
  readonly unread: readonly string[];
  /** The same of tmux and git, as it can be published. */
  readonly seen: Seen;
};

/** Initiative id under which a plan's streams are remembered; plans without an initiative share the empty one. */
export function initiativeOf(plan: Plan): string {
  return plan.initiative?.id ?? '';
}

/** Absolute directory of the streams' worktrees. */
function worktreeRoot(ports: Pick<Ports, 'paths' | 'config'>): string {
  const { root } = ports.config.worktree;
  return isAbsolute(root) ? root : join(ports.paths.root, root);
}

/** What stream records are named by (see StateStore.ensureStream). */
export function streamNames(ports: Pick<Ports, 'paths' | 'config'>): {
  branchPrefix: string;
  worktreeRoot: string;
  portBase: number;
} {
  const { branchPrefix, worktree } = ports.config;
  return { branchPrefix, worktreeRoot: worktreeRoot(ports), portBase: worktree.portBase };
}

/**
 * Branch and place of a stream by the configuration as it is now, where nothing of it was ever made and they are others than
 * it has; else null.
 */
export function otherNames(
  ports: Pick<Ports, 'paths' | 'config'>,
  record: StreamRecord,
): Pick<StreamRecord, 'branch' | 'worktree'> | null {
  const names = streamNames(ports);
  const branch = branchName(names.branchPrefix, record.key);
  const worktree = worktreePath(names.worktreeRoot, record.key);
  const same = record.branch === branch && record.worktree === worktree;
  return record.branchMade || same ? null : { branch, worktree };
}

/** What is remembered of the plan's streams. */
type Remembered = {
  readonly keys: ReadonlyMap<string, string>;
  readonly records: ReadonlyMap<string, StreamRecord>;
  /** Streams of which something remembered cannot be read, by key, and why. */
  readonly unreadable: ReadonlyMap<string, Unreadable>;
};

/** Reads what is remembered, allocating keys for streams seen for the first time. */
function remember(ports: Ports, plan: Plan): Remembered {
  const initiative = initiativeOf(plan);
  const names = streamNames(ports);
  const keys = new Map<string, string>();
  for (const [key, { streamId }] of ports.state.records(initiative)) keys.set(streamId, key);
  for (const [key, { streamId }] of ports.state.unreadable(initiative)) keys.set(streamId, key);
  const fresh = plan.streams.filter(({ id }) => !keys.has(id)).map(({ id }) => id);
  if (fresh.length > 0)
    for (const [id, key] of ports.state.ensureStreams(initiative, fresh, names)) keys.set(id, key);
  return {
    keys: new Map(plan.streams.map((stream) => [stream.id, keys.get(stream.id) ?? ''])),
    records: ports.state.records(initiative),
    unreadable: ports.state.unreadable(initiative),
  };
}

/**
 * Looks at the world once. `inFlight` is what this process has under way; null for a process that only watches (it reads
 * what the poller wrote down). `pollerAlive`: whether a poller acts. `troubles`: failures that are not written down.
 * `afterNs`: what a living poller saw later than that serves as well as a look of our own at tmux and git; null: nothing does.
 */
export async function takeLook(
  ports: Ports,
  inFlight: InFlight | null,
  pollerAlive: boolean,
  troubles: ReadonlyMap<string, Trouble> = new Map(),
  afterNs: bigint | null = null,
): Promise<Look> {
  const sinceNs = process.hrtime.bigint();
  const plan = ports.plan.readPlan();
  const { keys, records, unreadable } = remember(ports, plan);
  const initiative = initiativeOf(plan);
  const branch = landingBranch(ports, initiative);
  const branches = new Map([...records].map(([key, { branch }]) => [key, branch]));
  const question = questionOf(branches, branch);
  const published = afterNs === null || !pollerAlive ? null : readPublished(ports, question, afterNs);
  const [tmux, refs] = await Promise.all([
    published?.tmux ?? ports.tmux.look(ports.state.tmuxServer(), recordedPanes(records.values())),
    published?.refs ?? ports.git.readRefs(branches, branch),
  ]);
  const { workers, unseen } = await readWorkers(ports, records, tmux);
  const unread: string[] = [];
  const tip = refs.known ? refs.value.tip : null;
  const landing = branch === null || tip === null ? null : { branch, tip };
  const landed =
    landing === null
      ? new Set<string>()
      : await landedKeys(ports, { plan, keys, records, initiative, ...landing }).catch((error: unknown) => {
          unread.push(`what has landed on ${branch} could not be read: ${messageOf(error)}`);
          return new Set<string>();
        });
  // Read again after the workers: what one that has ended wrote last must be in the plan it is judged by.
  const latest = ports.plan.readPlan();
  const snapshot: Snapshot = {
    nowMs: ports.now(),
    elapsed: ports.elapsed,
    bootId: ports.processes.bootId(),
    plan: sameStreams(plan, latest) ? latest : plan,
    keys,
    records,
    workers,
    unseen: new Map([...unseen, ...[...unreadable].map(([key, { why }]) => [key, why] as const)]),
    heads: refs.known ? { known: true, value: refs.value.heads } : refs,
    landed,
    landing,
    inFlight: inFlight ?? (pollerAlive ? noted(records, ({ step }) => step) : new Map()),
    troubles: new Map([...noted(records, ({ trouble }) => trouble), ...troubles]),
    pollerAlive,
  };
  return { snapshot, tmux, refs, unread, seen: { sinceNs, question, tmux, refs } };
}

/** True when both plans are of one initiative and the same streams, so that the keys of one serve the other. */
function sameStreams(a: Plan, b: Plan): boolean {
  if (a === b) return true;
  const ids = new Set(a.streams.map((stream) => stream.id));
  return (
    initiativeOf(a) === initiativeOf(b) &&
    a.streams.length === b.streams.length &&
    b.streams.every(({ id }) => ids.has(id))
  );
}

/** What is noted with some of the records, by key. */
function noted<T>(
  records: ReadonlyMap<string, StreamRecord>,
  noteOf: (record: StreamRecord) => T | null,
): ReadonlyMap<string, T> {
  const notes = new Map<string, T>();
  for (const [key, record] of records) {
    const note = noteOf(record);
    if (note !== null) notes.set(key, note);
  }
  return notes;
}

/** True while the poller recorded in state.db is the very process that lives. */
export function pollerLives(ports: Pick<Ports, 'state' | 'processes' | 'paths'>): boolean {
  if (!existsSync(ports.paths.stateDb)) return false;
  const row = ports.state.poller();
  return row !== null && ports.processes.isAlive({ pid: row.pid, start: row.start });
}
