/** Puts a worktree's files into an index exactly as they are on disk: no filter, no line-end conversion. */
import { lstatSync, readlinkSync, type Stats, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { inChunks } from './chunks.ts';
import type { CommandOptions, Door } from './door.ts';
import type { WorktreeLink } from './worktree-link.ts';

type Target = {
  /** Options that name the index to write. */
  readonly there: CommandOptions;
  /** A private directory for the texts of links. */
  readonly folder: string;
  readonly paths: readonly string[];
};

type Stored = { readonly path: string; readonly mode: string; readonly source: string };

/** Stores the files at `paths` (relative to the worktree); a path that is gone, or a directory now, leaves the index. */
export async function storeFiles(door: Door, link: WorktreeLink, target: Target): Promise<void> {
  const gone: string[] = [];
  const present: Stored[] = [];
  for (const path of new Set(target.paths)) {
    const stats = lstatSync(join(link.path, path), { throwIfNoEntry: false });
    if (stats === undefined || stats.isDirectory()) gone.push(checkedGone(path));
    else present.push(storedAs(link, path, stats, join(target.folder, `link-${present.length}`)));
  }
  for (const paths of inChunks(gone)) {
    await door.write(['update-index', '--force-remove', '--', ...paths], target.there);
  }
  const bySource = new Map(present.map((file) => [file.source, file]));
  for (const sources of inChunks([...bySource.keys()])) {
    const hashed = await door.write(['hash-object', '-w', '--no-filters', '--', ...sources], target.there);
    const names = hashed.trim().split('\n');
    const entries = sources.flatMap((source, index) => {
      const file = bySource.get(source);
      return file === undefined ? [] : ['--cacheinfo', `${file.mode},${names[index]},${file.path}`];
    });
    await door.write(['update-index', '--add', '--replace', ...entries], target.there);
  }
}

function storedAs(link: WorktreeLink, path: string, stats: Stats, linkText: string): Stored {
  if (!stats.isSymbolicLink()) {
    return { path, mode: (stats.mode & 0o100) !== 0 ? '100755' : '100644', source: path };
  }
  // Git keeps a link as its text; hashing the path itself would follow it.
  writeFileSync(linkText, readlinkSync(join(link.path, path), { encoding: 'buffer' }));
  return { path, mode: '120000', source: linkText };
}

/** A name that is not UTF-8 can't be found again by its text; taking it for deleted would lose the file. */
function checkedGone(path: string): string {
  if (!path.includes('\ufffd')) return path;
  throw new OrchestrateError(
    EXIT.refused,
    `the file ${JSON.stringify(path)} can't be saved: its name is not UTF-8`,
    'rename it in the worktree, then run the command again',
  );
}
