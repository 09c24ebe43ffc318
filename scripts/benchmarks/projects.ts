/** Projects to measure: the tests' own rigs, with plans as great as wanted. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import type { ProjectRig } from '../../test/support/worker-rig.ts';
import { durationMs, type Figure } from './measure.ts';

const execute = promisify(execFile);

/** A plan of `count` streams in chains of ten, with ten tasks each. */
export function bigPlan(count: number): object {
  const streams = Array.from({ length: count }, (_, at) => ({
    id: `Stream-${at}`,
    dependencies: at % 10 === 0 ? [] : [`Stream-${at - 1}`],
    tasks: Array.from({ length: 10 }, (_, task) => ({ title: `Task ${task} of ${at}` })),
  }));
  return { initiative: { id: 'big', title: 'Big' }, prd: { title: 'Big' }, streams };
}

/** Runs a command in the project. */
export async function inProject(rig: ProjectRig, command: string, args: readonly string[]): Promise<void> {
  await execute(command, args, { cwd: rig.root, env: rig.cli.env, maxBuffer: 1 << 26 });
}

/** How long `orchestrate …` takes in the project, in ms. */
export function commandMs(rig: ProjectRig, args: readonly string[]): Promise<number> {
  return durationMs(() => inProject(rig, process.execPath, [CLI_ENTRY, ...args]));
}

/** How long Node takes to do nothing, in ms. */
export function nodeMs(rig: ProjectRig): Promise<number> {
  return durationMs(() => inProject(rig, process.execPath, ['-e', '0']));
}

/** How long Node takes to do nothing while one git and one tmux are asked, in ms. */
export function lookFloorMs(rig: ProjectRig): Promise<number> {
  return durationMs(() =>
    Promise.all([
      inProject(rig, process.execPath, ['-e', '0']),
      inProject(rig, 'git', ['for-each-ref']),
      inProject(rig, 'tmux', ['-V']),
    ]),
  );
}

/** Numbers of streams that plans are measured with; the greatest only when all is measured. */
export function sizes(full: boolean): readonly number[] {
  return full ? [4, 30, 300, 1_000, 3_000] : [4, 30, 300, 1_000];
}

/** A number as it is read. */
export function amount(count: number): string {
  return count.toLocaleString('en');
}

/** The figures of each of `things`, measured one after the other. */
export async function eachOf<T>(
  things: readonly T[],
  measure: (thing: T) => Promise<readonly Figure[]>,
): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const thing of things) figures.push(...(await measure(thing)));
  return figures;
}

/** Commits this many files of some 4 KB. */
export function commitFiles(rig: ProjectRig, count: number): void {
  for (let at = 0; at < count; at += 1)
    rig.cli.write(`src/d${at % 100}/f${at}.txt`, `file ${at} of the project\n`.repeat(180));
  rig.cli.git('add', '.', ':!.claude');
  rig.cli.git('commit', '--quiet', '--message=files');
}
