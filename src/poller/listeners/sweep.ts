/** Removes what nobody needs: directories of past runs, launches nobody claimed, files half written by who was killed, links to projects that are gone. */
import type { Stats } from 'node:fs';
import { lstat, readdir, readlink, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setUpNote } from '../../app/paths.ts';
import type { Ports } from '../../app/ports.ts';
import { messageOf } from '../../core/errors.ts';
import { isAbsent } from '../../files/present.ts';
import { removeDrafts } from '../../files/replace-file.ts';
import { tagOf } from '../../files/sha256.ts';
import type { RunPlace } from '../../state/types.ts';
import { fenceRun, readClaim } from '../../worker/wrapper.ts';
import type { Listener } from './listener.ts';

const SWEEP_EACH_MS = 60 * 60_000;
/** Things removed in one sweep, so that none keeps a disk busy for long; the next one goes on soon. */
const MOST_AT_ONCE = 200;
const SWEEP_AGAIN_MS = 60_000;
/** A launch that nobody claimed is nobody's once this poller has seen it for so long, by a clock that nobody sets. */
const LAUNCH_SEEN_MS = 10 * 60_000;
/** One that is so old by its file's time is nobody's at once: most pollers do not live for long. */
const LAUNCH_OLD_MS = 24 * 60 * 60_000;

/** What a sweep needs of the ports. */
export type SweepPorts = Pick<Ports, 'paths' | 'state' | 'plan' | 'processes' | 'now'>;

/** Sweeps at the poller's start and then now and then, beside the ticks. */
export function sweeper(ports: SweepPorts, report: (message: string) => void): Listener {
  let isClosed = false;
  const sweep = createSweep(ports, {
    isClosed: () => isClosed,
    report: (message) => {
      if (!isClosed) report(`sweep: ${message}`);
    },
  });
  let nextMs = Number.NEGATIVE_INFINITY;
  const sweepOnce = async (): Promise<void> => {
    const removed = await sweep();
    nextMs = performance.now() + (removed >= MOST_AT_ONCE ? SWEEP_AGAIN_MS : SWEEP_EACH_MS);
  };
  return {
    name: 'sweep',
    onStates() {
      if (performance.now() < nextMs) return;
      nextMs = Number.POSITIVE_INFINITY;
      // A disk may take its time, or never answer, which no tick is to wait for.
      void sweepOnce();
    },
    close() {
      isClosed = true;
    },
  };
}

/** How a sweep is ended and tells of what it could not do; whose clock and whose shared directory it uses. */
export type SweepOptions = {
  readonly isClosed: () => boolean;
  readonly report: (message: string) => void;
  readonly elapsedMs?: () => number;
  readonly shared?: string;
};

/** Returns a sweep, which remembers since when it has seen unclaimed launches; it resolves to how much it removed. Never throws. */
export function createSweep(ports: SweepPorts, options: SweepOptions): () => Promise<number> {
  const { isClosed, report, elapsedMs = () => performance.now(), shared = '/tmp' } = options;
  const seenMs = new Map<string, number>();
  return async () => {
    let removed = 0;
    // What cannot be looked at or removed keeps nothing else from it.
    const attempt = async (work: () => Promise<boolean>): Promise<void> => {
      if (removed >= MOST_AT_ONCE || isClosed()) return;
      try {
        if (await work()) removed += 1;
      } catch (error) {
        tell(error, report);
      }
    };
    await attempt(async () => {
      const runs = ports.state.runPlaces(ports.plan.currentInitiative()?.id ?? '');
      for (const name of await namesIn(ports.paths.runsDir)) {
        const directory = join(ports.paths.runsDir, name);
        const place = runs.get(name) ?? (COMMAND_RUN.test(name) ? 'command' : 'unknown');
        await attempt(() => sweepRun(ports, { directory, place, seenMs, elapsedMs: elapsedMs() }));
      }
      return false;
    });
    const { orchestratorDir, logsDir } = ports.paths;
    for (const directory of [orchestratorDir, logsDir, dirname(setUpNote(ports.paths, ''))])
      await attempt(async () => {
        removed += removeDrafts(directory);
        return false;
      });
    await attempt(() => sweepLinks(ports, join(shared, `orchestrate-${process.getuid?.() ?? 0}`), attempt));
    return removed;
  };
}

/** Reports what went wrong. What went by itself meanwhile (another project takes its own links away) needs no sweeping. */
function tell(error: unknown, report: (message: string) => void): void {
  if (!isAbsent(error)) report(messageOf(error));
}

/** Runs of our own command line (`writeCliRun`): the detached poller and the summary. */
const COMMAND_RUN = /^\.(orchestrator|summary)-/;

/** A directory of runs, and since when (`elapsedMs`) launches were seen. */
type Found = {
  readonly directory: string;
  readonly place: RunPlace | 'command' | 'unknown';
  readonly seenMs: Map<string, number>;
  readonly elapsedMs: number;
};

/** Removes the directory of a past run, and from others a launch that nobody will read any more; true when it did. */
async function sweepRun(ports: SweepPorts, found: Found): Promise<boolean> {
  const { directory, place } = found;
  if (place === 'open' || (await lstatOf(directory))?.isDirectory() !== true) return false;
  if (place === 'past') {
    await rm(directory, { recursive: true, force: true });
    return true;
  }
  if (!(await isAbandoned(ports, found))) return false;
  // The claim is taken first, so that no wrapper that comes late finds half of a launch.
  if (!fenceRun(directory) && isHeld(ports, directory)) return false;
  if (place === 'command') {
    await rm(directory, { recursive: true, force: true });
    return true;
  }
  const names = (await namesIn(directory)).filter((name) => name === 'launch' || /^argument-\d+$/.test(name));
  for (const name of names) await rm(join(directory, name), { force: true });
  return true;
}

/** True when there is a launch file, which holds the whole environment, that nobody will read any more. */
async function isAbandoned(
  ports: SweepPorts,
  { directory, place, seenMs, elapsedMs }: Found,
): Promise<boolean> {
  const file = await lstatOf(join(directory, 'launch'));
  if (file === null) return false;
  // Nobody comes for that of an ended run, or for one whose taker is gone (which is looked at once it is claimed).
  if (place === 'kept' || readClaim(directory) !== null) return true;
  const known = `${directory} ${file.ino}`;
  const sinceMs = seenMs.get(known) ?? elapsedMs;
  seenMs.set(known, sinceMs);
  return elapsedMs - sinceMs >= LAUNCH_SEEN_MS || ports.now() - file.mtimeMs >= LAUNCH_OLD_MS;
}

/** True while whoever claimed the run lives. */
function isHeld(ports: SweepPorts, directory: string): boolean {
  const claim = readClaim(directory);
  return claim !== null && claim.pid !== 0 && ports.processes.identify(claim.pid) !== null;
}

/** Removes links of ours (see `preparePaneLog`) whose project is gone and of which no process lives. */
async function sweepLinks(
  ports: SweepPorts,
  directory: string,
  attempt: (work: () => Promise<boolean>) => Promise<void>,
): Promise<false> {
  const found = await lstatOf(directory);
  if (found === null || !found.isDirectory() || found.uid !== process.getuid?.()) return false;
  let living: ReadonlySet<string> | null = null;
  for (const name of await namesIn(directory)) {
    const link = join(directory, name);
    await attempt(async () => {
      if ((await lstatOf(link))?.isSymbolicLink() !== true) return false;
      const project = await readlink(link);
      if (tagOf(project) !== name || !(await isGone(project))) return false;
      // Marks begin with the project's tag.
      living ??= new Set(ports.processes.findMarked('').map(({ mark }) => mark.split(':', 1)[0] ?? ''));
      if (living.has(name)) return false;
      await rm(link, { force: true });
      return true;
    });
  }
  return false;
}

/**
 * True when the system says that nothing is there; what cannot be looked at (no permission, a lost mount) may be there, and
 * so may what has a file in the place of a directory above it.
 */
async function isGone(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT',
  );
}

async function lstatOf(path: string): Promise<Stats | null> {
  return lstat(path).catch((error: unknown) => {
    if (isAbsent(error)) return null;
    throw error;
  });
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw error;
  });
}
