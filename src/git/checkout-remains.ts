/** Tells files that a cut-off checkout left half written from files that somebody wrote, byte by byte. */
import { mkdtempSync, readFileSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { inChunks } from './chunks.ts';
import type { Door } from './door.ts';
import { inWorktree, kindAt, type WorktreeLink } from './worktree-link.ts';

/**
 * Removes those tracked files of a worktree that are the beginning of what the checkout writes, so that they can be
 * written whole. Throws exit 5, changing nothing, when another file differs from what is checked out.
 */
export async function removePartialFiles(door: Door, link: WorktreeLink): Promise<void> {
  const here = inWorktree(link, door.commonDir);
  // The refreshed index knows which files are as they should be; its exit code only says that some are not.
  await door.attempt(['update-index', '-q', '--refresh'], here);
  const args = ['diff-files', '-z', '--name-only', '--diff-filter=MT', '--ignore-submodules=all'];
  const differing = (await door.read(args, here)).split('\0').filter(Boolean);
  if (differing.length === 0) return;
  const expected = mkdtempSync(join(tmpdir(), 'orchestrate-checkout-'));
  try {
    for (const paths of inChunks(differing)) {
      await door.write(['checkout-index', '--quiet', `--prefix=${expected}${sep}`, '--', ...paths], here);
    }
    const foreign = differing.find((path) => !isBeginning(join(link.path, path), join(expected, path)));
    if (foreign !== undefined) throw changedFile(link, foreign);
  } finally {
    rmSync(expected, { recursive: true, force: true });
  }
  for (const path of differing) unlinkSync(join(link.path, path));
}

/** True when a file's bytes are the first ones of the other's. */
function isBeginning(path: string, whole: string): boolean {
  if (kindAt(path) !== 'file' || kindAt(whole) !== 'file') return false;
  const bytes = readFileSync(path);
  return readFileSync(whole).subarray(0, bytes.length).equals(bytes);
}

function changedFile(link: WorktreeLink, path: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.refused,
    `${JSON.stringify(link.path)} was never finished, yet ${JSON.stringify(path)} in it was changed; nothing was touched`,
    'move that file away, then run the command again',
  );
}
