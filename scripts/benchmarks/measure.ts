/** What a benchmark is and how it measures: by turns with its floor, so that a busy machine is as busy for both. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

export type Unit = 'ms' | 'MB' | '% of a core' | 'calls' | 'files' | 'rows';

/** What the machine itself takes for the same thing, done by the bare tools. */
export type Floor = { readonly name: string; readonly samples: readonly number[] };

/** One thing measured. A floor is missing only where nothing bare does the same. */
export type Figure = {
  readonly name: string;
  readonly unit: Unit;
  readonly samples: readonly number[];
  readonly floor: Floor | null;
};

export type Benchmark = {
  /** What the command line calls it. */
  readonly name: string;
  readonly summary: string;
  /** `full`: also what takes long. */
  run(full: boolean): Promise<readonly Figure[]>;
};

/** The middle one of the samples, the upper of two; NaN when there are none. */
export function median(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN;
}

/** How long `work` takes, in ms. */
export async function durationMs(work: () => unknown): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** Measures each of `works` `times` times, by turns; their samples in the order of `works`. */
export async function byTurns<const T extends readonly (() => number | Promise<number>)[]>(
  times: number,
  works: T,
): Promise<{ [At in keyof T]: number[] }> {
  const samples = works.map((): number[] => []);
  for (let round = 0; round < times; round += 1)
    for (const [at, work] of works.entries()) samples[at]?.push(await work());
  return samples as { [At in keyof T]: number[] };
}

/** What `work` comes to each of so many times, one after the other. */
export async function repeated<T>(times: number, work: () => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  for (let round = 0; round < times; round += 1) results.push(await work());
  return results;
}

/** Processor time of a living process so far, all threads, in ms; exact, where /proc/<pid>/stat counts by 10 ms. */
export function cpuMs(pid: number): number {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
}

/** Processor time of a process's children that have ended and been collected, in ms, by steps of 10 ms. */
export function childrenCpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

/** Percentage of a core that a process uses, with the commands it runs, while `work` goes on. */
export async function shareOf(pid: number, work: () => Promise<unknown>): Promise<number> {
  const used = () => cpuMs(pid) + childrenCpuMs(pid);
  const [fromCpuMs, fromMs] = [used(), performance.now()];
  await work();
  return (100 * (used() - fromCpuMs)) / (performance.now() - fromMs);
}

/** Waits, for a share of a core to be measured meanwhile. */
export const rest = (ms: number) => (): Promise<void> => pause(ms);
