/** Takes a stream's worktree and branch away, file by file as git listed them, after a saved ref; a kill anywhere is finished by the next call. */
import { lstatSync, mkdirSync, mkdtempSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { shellWord } from '../../core/shell-word.ts';
import { ifPresent, listIfPresent } from '../../files/present.ts';
import { type Door, inChunks } from '../door.ts';
import { gitFailure } from '../failure.ts';
import { inWorktree, kindAt } from '../worktree-link.ts';
import { SOME_DIFFER, WRITE_MISSING } from '../worktree-repair.ts';
import { deleteFiles, removeEmptyDirectories, Touched } from './delete-files.ts';
import { look, type TidyLook } from './find.ts';
import { clearMarker, readMarker, writeMarker } from './marker.ts';
import { saveWork } from './saved-work.ts';
import type { Held, Place, Removal, Shared, Tidy } from './types.ts';

/** Name in saved refs of what a removal kept. */
const LABEL = 'clean';

/** See `Tidy.remove`. */
export async function remove(
  door: Door,
  place: Place,
  shared: Shared,
  request: Parameters<Tidy['remove']>[2],
): Promise<Removal> {
  const beganMs = timeOfDisk(dirname(place.path));
  const found = await look(door, place, shared);
  const held = [...found.held, ...request.others()];
  if (held.length > 0) {
    if (found.here.kind === 'inside') await makeWhole(door, found);
    return { removed: false, held };
  }
  if (!found.worktree && found.head === null)
    return { removed: true, worktree: false, branch: null, saved: null };
  const saved = await save(door, place, found, { ...request, who: shared.author });
  if (found.here.kind === 'inside') {
    const problem = await removeFiles(door, found, { beganMs, saved });
    if (problem !== null) return { removed: false, held: [problem] };
  }
  const left = found.worktree ? removeEntry(door, found) : [];
  const [moved] = await Promise.all([
    deleteBranch(door, place, found.head),
    ...left.map((path) => rm(path, { recursive: true, force: true })),
  ]);
  if (moved !== null) return { removed: false, held: [moved] };
  return {
    removed: true,
    worktree: found.worktree,
    branch: found.head === null ? null : place.branch,
    saved,
  };
}

/**
 * The time by the clock that stamps files in a directory, which may be a server's, and is a little behind the system's at
 * best. Where nothing can be made, nothing can be taken away either: then every file is younger.
 */
function timeOfDisk(directory: string): number {
  try {
    const folder = mkdtempSync(join(directory, '.orchestrate-clock-'));
    const { ctimeMs } = lstatSync(folder);
    rmdirSync(folder);
    return ctimeMs;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return Number.NEGATIVE_INFINITY;
    throw error;
  }
}

/** The ref that keeps it: the one of a removal that was cut off, or a new one. */
async function save(
  door: Door,
  place: Place,
  found: TidyLook,
  { stream, reason, who }: Parameters<Tidy['remove']>[2] & { readonly who: Shared['author'] },
): Promise<string> {
  const gitDir = gitDirOf(found);
  const begun = gitDir === null ? null : readMarker(gitDir);
  const headSha = found.git === null ? found.head : found.git.headSha;
  if (begun !== null && begun.head === headSha && (await keeps(door, begun.saved, found))) return begun.saved;
  return saveWork(
    door,
    {
      here: found.git?.there ?? {},
      gitDir: gitDir ?? door.commonDir,
      path: place.path,
      headSha,
      staged: found.born.length > 0,
      paths: found.born,
      loose: found.loose,
    },
    { key: place.key, label: LABEL, stream, reason },
    who,
  );
}

function gitDirOf({ here }: TidyLook): string | null {
  if (here.kind === 'inside') return here.link.gitDir;
  return here.kind === 'gone' ? here.gitDir : null;
}

/** Whether a ref that a removal made before it was cut off keeps all that is there now: more may have come since. */
async function keeps(door: Door, saved: string, { loose, born }: TidyLook): Promise<boolean> {
  if (born.length > 0 || !(await exists(door, saved))) return false;
  for (const chunk of inChunks(loose)) {
    const beyond = await door.ask(['rev-list', '--max-count=1', ...chunk, '--not', saved, '--']);
    if (beyond.code !== 0 || beyond.out.trim() !== '') return false;
  }
  return true;
}

async function exists(door: Door, ref: string): Promise<boolean> {
  return (await door.ask(['rev-parse', '--verify', '--quiet', '--end-of-options', ref])).code === 0;
}

/** Deletes the worktree's directory; what could not be, or changed meanwhile, is the answer, and then all is put back. */
async function removeFiles(
  door: Door,
  found: TidyLook,
  { beganMs, saved }: { readonly beganMs: number; readonly saved: string },
): Promise<Held | null> {
  if (found.here.kind !== 'inside' || found.git?.headSha == null) return null;
  const { path, gitDir } = found.here.link;
  writeMarker(gitDir, { head: found.git.headSha, saved });
  try {
    await deleteFiles(path, found, beganMs);
    return null;
  } catch (thrown) {
    if (!(thrown instanceof Touched) && !('code' in (thrown as object))) throw thrown;
    const after = (await makeWhole(door, found))
      ? 'so its files were put back'
      : 'and the next clean puts its files back, once nothing is in their way';
    return {
      kind: 'unreadable',
      what: `it changed while it was being removed, ${after}: ${messageOf(thrown)}`,
      look: `git -C ${shellWord(path)} status --ignored`,
    };
  }
}

/**
 * Writes again what a removal that was cut off, or came upon something, has taken away; false when not all could be, which the
 * next call does.
 */
async function makeWhole(door: Door, { here }: TidyLook): Promise<boolean> {
  if (here.kind !== 'inside' || readMarker(here.link.gitDir) === null) return true;
  const { path, gitDir } = here.link;
  if (kindAt(path) === 'missing') mkdirSync(path);
  if (kindAt(join(path, '.git')) === 'missing') writeFileSync(join(path, '.git'), `gitdir: ${gitDir}\n`);
  const there = inWorktree(here.link, door.commonDir);
  if ((await door.attempt(WRITE_MISSING, there)).code > SOME_DIFFER) return false;
  clearMarker(gitDir);
  return true;
}

/** Names of former entries of worktrees, while they are being deleted. */
const FORMER = 'orchestrate-removed-';

/**
 * Removes git's entry of a worktree whose directory is gone, as `git worktree remove` does, but so that a kill leaves no half
 * of it: it goes in one step, to where git does not look. Returns what is still to be deleted there, be it of an earlier removal;
 * of other streams their own removals in this process see to it.
 */
function removeEntry(door: Door, { here }: TidyLook): readonly string[] {
  if (here.kind !== 'inside' && here.kind !== 'gone') return [];
  const gitDir = here.kind === 'inside' ? here.link.gitDir : here.gitDir;
  if (kindAt(here.path) === 'directory') {
    removeEmptyDirectories(here.path);
    rmdirSync(here.path);
  }
  const own = `${FORMER}${basename(gitDir)}-${process.pid}`;
  // Whoever else removed it: it is gone.
  ifPresent(() => renameSync(gitDir, join(door.commonDir, own)));
  if (listIfPresent(dirname(gitDir)).length === 0) ifPresent(() => rmdirSync(dirname(gitDir)));
  return listIfPresent(door.commonDir)
    .filter((name) => name.startsWith(FORMER) && (name === own || !name.endsWith(`-${process.pid}`)))
    .map((name) => join(door.commonDir, name));
}

/** Deletes the branch if it is where it was looked at; else says that it has moved. */
async function deleteBranch(door: Door, { branch }: Place, head: string | null): Promise<Held | null> {
  if (head === null) return null;
  const args = ['update-ref', '-d', `refs/heads/${branch}`, head];
  const result = await door.attempt(args);
  if (result.code === 0) return null;
  if (!/but expected|unable to resolve reference|reference is missing/.test(result.err))
    throw gitFailure(args, result);
  if (!(await exists(door, `refs/heads/${branch}`))) return null;
  return {
    kind: 'commits',
    what: `its branch ${branch} moved while its worktree was being removed`,
    look: `git log -3 ${shellWord(branch)}`,
  };
}
