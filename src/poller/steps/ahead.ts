/** Makes worktrees ready before their streams can start, and takes away those that are not needed any more; no agent is ever in them. */
import { existsSync, realpathSync, rmSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setUpNote } from '../../app/paths.ts';
import type { Ports } from '../../app/ports.ts';
import { EXIT, OrchestrateError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import type { Ahead, StreamRecord } from '../../core/types.ts';
import { ifPresent, readIfPresent } from '../../files/present.ts';
import { initiativeOf } from '../../look/snapshot.ts';
import { planBase } from './base.ts';
import { refuseChangedGitConfig } from './git-config.ts';
import type { Step } from './step.ts';
import { namedNow, note, recordOf, refuseWhileRemoved } from './step.ts';
import { isSetUpFor, refurnish, setUpAgain, toSetUp } from './worktree.ts';

/** What is left of the disk for agents to work with: nothing is made ahead of need on one that is nearly full. */
const LEAST_FREE_BYTES = 1 << 30;
const LEAST_FREE_SHARE = 0.03;
/** A worktree is moved each time that what it will start from moves; of what it was on before its last move, nothing is found in it. */
const REMEMBERED = 4;

/** The run that such a worktree is for: its stream has had none. */
const FIRST_RUN = 1;

/**
 * Makes the worktree of a stream that waits, or moves it on, and sets it up; nothing when the stream has begun meanwhile. What a
 * kill leaves is finished by doing it again. Throws what keeps it from being made, and what keeps set-up from going well.
 */
export async function prepare(step: Step, key: string, parents: readonly string[]): Promise<void> {
  const { ports } = step;
  const record = namedNow(ports, recordOf(step, key));
  if (record.intent !== 'none' || record.runs.length > 0 || record.branchMade) return;
  await refuseChangedGitConfig(ports);
  requireRoom(record.worktree);
  const sha = await baseOf(step, parents, key);
  const before = record.ahead?.path === record.worktree ? record.ahead : null;
  const { worktree: path, branch } = record;
  let bases = [...new Set([sha, ...(before?.bases ?? [])])];
  const write = (part: Pick<Ahead, 'parents' | 'setUp'>): void =>
    ports.state.patchStream(key, { ahead: { path, bases, ...part } });
  write({ parents: null, setUp: before?.setUp ?? null });
  // Only now, so that a clean which is not seen here has seen this step.
  refuseWhileRemoved(step, key);
  const outcome = await ports.git.makeAhead({ path, branch, sha, key, bases: before?.bases ?? [] });
  // However often a move fails, the commit that it is still on must be known as one of ours.
  bases = bases.slice(0, REMEMBERED);
  const marker = setUpNote(ports.paths, key);
  const isWhole = outcome === 'moved' || outcome === 'there';
  if (before !== null && isWhole && existsSync(marker) && (await isSetUpFor(ports, before, sha))) {
    await refurnish(ports, toSetUp(step, record, FIRST_RUN, sha));
    return write({ parents, setUp: before.setUp });
  }
  const former = readIfPresent(marker);
  rmSync(marker, { force: true });
  write({ parents: null, setUp: null });
  await setUpAgain(step, record, FIRST_RUN, { baseSha: sha, again: outcome !== 'made', former });
  write({ parents, setUp: sha });
}

/** Throws exit 3 where the disk has little room left. */
function requireRoom(path: string): void {
  let directory = dirname(path);
  while (!existsSync(directory)) directory = dirname(directory);
  const { bavail, bsize, blocks } = statfsSync(directory);
  if (bavail * bsize >= LEAST_FREE_BYTES && bavail >= blocks * LEAST_FREE_SHARE) return;
  throw new OrchestrateError(
    EXIT.environment,
    `the disk of ${printable(directory)} is nearly full, so that no worktree is made ahead of need`,
    'free some disk space',
  );
}

/** The commit to put it on: what the parents merge to; where they clash, which a launch will say, the first of them. */
async function baseOf(step: Step, parents: readonly string[], key: string): Promise<string> {
  const { ports, snapshot } = step;
  const [first] = parents;
  if (first === undefined) return (await planBase(ports, initiativeOf(snapshot.plan))).sha;
  if (parents.length === 1) return first;
  const merged = await ports.git.mergeBases(parents, `Merge the dependencies of ${key}`);
  return merged.ok ? merged.sha : first;
}

/** Takes away what was made ahead for a stream; what somebody has put there stays, and is said. */
export async function discard(step: Step, key: string): Promise<void> {
  const { ports } = step;
  const record = recordOf(step, key);
  if (record.ahead === null) return;
  // Cut off, it leaves what has to be put back, and set up again, before anybody works there.
  ports.state.patchStream(key, { ahead: { ...record.ahead, parents: null, setUp: null } });
  await takeAway(ports, record, record.ahead);
  ports.state.patchStream(key, { ahead: null });
}

async function takeAway(ports: Ports, record: StreamRecord, ahead: Ahead): Promise<void> {
  const { key, branch, branchMade, streamId } = record;
  const shared = await ports.git.shared();
  const place = {
    ...{ key, path: ahead.path, branch, branchMade, contained: ahead.bases },
    made: readIfPresent(setUpNote(ports.paths, key)),
    disposable: ports.config.worktree.disposable,
  };
  // It is on no branch: one of that name is not its own, and stays.
  const removal = await ports.git.remove(
    place,
    { ...shared, tips: new Map() },
    {
      stream: streamId,
      reason: 'made ahead of need, and not needed',
      others: () => atWorkIn(ports, ahead.path),
    },
  );
  if (removal.removed) rmSync(setUpNote(ports.paths, key), { force: true });
  const [held] = removal.removed ? [] : removal.held;
  if (held === undefined) return;
  const message = `its worktree, made ahead of need, stays: it holds ${held.what}`;
  note({ ports }, key, null, 'warning', `${message}; look with: ${held.look}`);
}

/** Whoever works there: a shell of the user's, an editor. */
function atWorkIn({ processes }: Ports, path: string): { kind: 'process'; what: string; look: string }[] {
  return pidsBelow(processes, path, processes.directories()).map((pid) => ({
    kind: 'process',
    what: `process ${pid}, at work in it`,
    look: `ps -fp ${pid}`,
  }));
}

/** Pids of the living processes, but for this one, that are at work at or below a path; `directories`: where all of them are. */
export function pidsBelow(
  processes: Ports['processes'],
  path: string,
  directories: ReturnType<Ports['processes']['directories']>,
): number[] {
  const real = ifPresent(() => realpathSync(path));
  if (real === null) return [];
  return [...directories].flatMap(([pid, at]) => {
    const isBelow = at === real || at.startsWith(`${real}/`);
    return isBelow && pid !== process.pid && processes.identify(pid) !== null ? [pid] : [];
  });
}
