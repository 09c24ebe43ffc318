/** `recover`: brings saved work back where nothing is in the way, and lets go of what is old. */
import type { Ports } from '../app/ports.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';
import { streamsNamed } from '../core/short-names.ts';
import { branchName, MAX_KEY, worktreePath } from '../core/stream-key.ts';
import type { StreamRecord } from '../core/types.ts';
import { lstatIfPresent } from '../files/present.ts';
import type { SavedWork } from '../git/tidy/types.ts';
import { streamNames } from '../look/snapshot.ts';
import { refuseGitConfigOfAgents } from '../poller/steps/git-config.ts';
import { noteCommand } from './intent.ts';

const DAY_MS = 24 * 60 * 60_000;
const MOST_NAMES = 100;

/**
 * What was saved under a name (`stream-a/clean`), else all of the stream that is meant, the latest first. Throws exit 7 for
 * neither.
 */
function allNamed(saved: readonly SavedWork[], text: string): readonly [SavedWork, ...SavedWork[]] {
  const byRef = saved.find(({ ref }) => ref === text || ref === `refs/orchestrate/saved/${text}`);
  if (byRef !== undefined) return [byRef];
  const keys = streamKeysNamed(saved, text);
  const [latest, ...earlier] = saved.filter(({ key }) => keys.has(key));
  if (latest !== undefined && keys.size === 1) return [latest, ...earlier];
  const what = JSON.stringify(printable(text));
  throw new OrchestrateError(
    EXIT.input,
    keys.size > 1 ? `${what} may be any of ${[...keys].join(', ')}` : `nothing was saved of ${what}`,
    'orchestrate recover',
  );
}

/** What was saved under a name, else the latest of the stream that is meant. Throws exit 7 for neither. */
export function savedNamed(saved: readonly SavedWork[], text: string): SavedWork {
  return allNamed(saved, text)[0];
}

function streamKeysNamed(saved: readonly SavedWork[], text: string): ReadonlySet<string> {
  const streams = new Map(saved.map(({ key, stream }) => [key, stream]));
  const exact = [...streams].filter(([key, stream]) => key === text || stream === text);
  if (exact.length > 0) return new Set(exact.map(([key]) => key));
  const named = [...streams].map(([key, stream]) => ({ id: key, name: stream, key }));
  return new Set(streamsNamed(text, named));
}

type Spot = { readonly key: string; readonly branch: string; readonly path: string };

/** Where it may be brought back to, in this order: the stream's own place, then beside it. */
function* spotsFor(ports: Ports, { key: own }: SavedWork, record: StreamRecord | undefined): Generator<Spot> {
  const { branchPrefix, worktreeRoot } = streamNames(ports);
  const at = (key: string): Spot => ({
    key,
    branch: branchName(branchPrefix, key),
    path: worktreePath(worktreeRoot, key),
  });
  yield record === undefined ? at(own) : { key: own, branch: record.branch, path: record.worktree };
  for (let number = 1; number <= MOST_NAMES; number += 1) {
    const suffix = `-recovered${number === 1 ? '' : `-${number}`}`;
    yield at(`${own.slice(0, MAX_KEY - suffix.length)}${suffix}`);
  }
}

/** Makes branch and worktree in the first place that is free. Throws exit 5 when none is. */
export async function bringBack(
  ports: Ports,
  saved: SavedWork,
): Promise<{ readonly branch: string; readonly worktree: string }> {
  await refuseGitConfigOfAgents(ports);
  const { tips, entries } = await ports.git.shared();
  const record = ports.state.allRecords().readable.get(saved.key);
  for (const spot of spotsFor(ports, saved, record)) {
    const taken = tips.has(spot.branch) || entries.some(({ path }) => path === spot.path);
    if (taken || lstatIfPresent(spot.path) !== null) continue;
    await ports.git.bringBack(saved, spot);
    if (record !== undefined && spot.key === record.key)
      ports.state.patchStream(record.key, { branchMade: true });
    noteCommand(ports, record?.key ?? null, `brought back from ${saved.ref}: branch ${spot.branch}`);
    return { branch: spot.branch, worktree: spot.path };
  }
  const fix = `git branch ${shellWord(`${saved.key}-saved`)} ${saved.sha}^1`;
  throw new OrchestrateError(EXIT.refused, `every name for ${saved.key} is taken`, fix);
}

/** Deletes saved refs that are at least so many days old: all, one stream's, or the one named; returns what is gone. */
export async function expire(ports: Ports, text: string | null, days: number): Promise<readonly SavedWork[]> {
  const saved = await ports.git.savedWork();
  const meant = text === null ? saved : allNamed(saved, text);
  const old = meant.filter(({ atMs }) => ports.now() - atMs >= days * DAY_MS);
  await ports.git.forgetSaved(old);
  for (const { ref, sha } of old) noteCommand(ports, null, `let go of ${ref} (${sha})`);
  return old;
}
