/** Removes what former runs left and nobody needs: directories of runs long past, and links to projects that are gone. */
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runDir } from '../app/paths.ts';
import type { Ports } from '../app/ports.ts';
import type { StreamRecord } from '../core/types.ts';

/** Runs of a stream whose directories (prompt, settings, pane log) are kept, the open one among them. */
const RUNS_KEPT = 5;
/** Directories removed in one go, so that no poller's start waits long for a disk. */
const MOST_AT_ONCE = 200;

/** Sweeps the current initiative's runs, and the directory of links to pane logs. */
export function sweep(
  { paths, state }: Pick<Ports, 'paths' | 'state'>,
  initiativeId: string,
  shared = '/tmp',
): void {
  const past = [...state.records(initiativeId).values()].flatMap((record) =>
    pastRuns(record).map((run) => runDir(paths, record.key, run)),
  );
  const there = past.filter((directory) => existsSync(directory));
  for (const directory of there.slice(0, MOST_AT_ONCE)) rmSync(directory, { recursive: true, force: true });
  sweepLinks(join(shared, `orchestrate-${process.getuid?.() ?? 0}`));
}

/** Numbers of runs that nobody needs: ended, not among the last, and not the last that failed. */
function pastRuns({ runs }: StreamRecord): number[] {
  const lastFailed = runs.findLast(({ outcome }) => outcome === 'failed');
  return runs
    .slice(0, -RUNS_KEPT)
    .filter((run) => run.endedAtMs !== null && run !== lastFailed)
    .map(({ number }) => number);
}

/** Removes links of ours that lead nowhere: their project was moved or removed. */
function sweepLinks(directory: string): void {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined || !found.isDirectory() || found.uid !== process.getuid?.()) return;
  for (const name of readdirSync(directory).slice(0, MOST_AT_ONCE)) {
    const link = join(directory, name);
    const isLink = lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    if (isLink && !existsSync(link)) rmSync(link, { force: true });
  }
}
