/** Random work of streams (edits that may clash, renames, modes, binary files, deletions) and what it must leave on main. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LandingWorld } from './landing-world.ts';

/** What must be so on a branch that has a stream's work, and must not be so, wholly, on one that lacks it. */
export type Trace = { readonly what: string; holds(world: LandingWorld): boolean };

/** The text of a file on main; null when it is not there. */
export const onMain = (world: LandingWorld, path: string): string | null =>
  world.tryGit(['cat-file', '-e', `main:${path}`]) ? world.git(['show', `main:${path}`]) : null;

/** Files that the project begins with: each is changed by one stream at most. */
export function beginning(world: LandingWorld, streams: number): void {
  const write = (path: string, text: string) => world.rig.cli.write(path, text);
  for (let at = 0; at < streams; at += 1) {
    for (const kind of ['rename', 'mode', 'binary', 'delete'])
      write(`${kind}/${at}`, `${kind} ${at}\n`.repeat(9));
  }
  write('shared.txt', Array.from({ length: 40 }, (_, at) => `line ${at}\n`).join(''));
  write('.gitignore', '*.ign\n');
}

/** Random work of the `at`-th stream, and its traces. */
export function randomWork(at: number, stream: string, random: (below: number) => number) {
  const traces: Trace[] = [
    { what: `${stream}.txt`, holds: (world) => onMain(world, `own/${stream}.txt`) === stream },
  ];
  const write: ((cli: LandingWorld['rig']['cli'], directory: string) => void)[] = [
    (cli, directory) => cli.write(join(directory, 'own', `${stream}.txt`), `${stream}\n`),
  ];
  if (random(2) === 0) {
    write.push(
      (_, directory) => void execFileSync('git', ['mv', `rename/${at}`, `renamed-${at}`], { cwd: directory }),
    );
    traces.push({
      what: 'a rename',
      holds: (world) => onMain(world, `rename/${at}`) === null && onMain(world, `renamed-${at}`) !== null,
    });
  }
  if (random(2) === 0) {
    write.push((_, directory) => void execFileSync('chmod', ['+x', join(directory, 'mode', String(at))]));
    traces.push({
      what: 'a mode',
      holds: (world) => world.git(['ls-tree', 'main', `mode/${at}`]).startsWith('100755'),
    });
  }
  if (random(2) === 0) {
    write.push((cli, directory) => cli.write(join(directory, 'binary', String(at)), `\0\u0001${stream}\0`));
    traces.push({
      what: 'a binary file',
      holds: (world) => onMain(world, `binary/${at}`)?.includes(stream) === true,
    });
  }
  if (random(2) === 0) {
    write.push((_, directory) => rmSync(join(directory, 'delete', String(at))));
    traces.push({ what: 'a deletion', holds: (world) => onMain(world, `delete/${at}`) === null });
  }
  if (random(3) === 0) {
    // Two streams that choose the same line clash, unless one builds on the other.
    const line = 5 * random(3);
    write.push((cli, directory) => {
      const lines = readFileSync(join(directory, 'shared.txt'), 'utf8').split('\n');
      lines[line] = `line ${line} by ${stream}`;
      cli.write(join(directory, 'shared.txt'), lines.join('\n'));
    });
  }
  return {
    traces,
    work: (cli: LandingWorld['rig']['cli']) => (directory: string) =>
      write.forEach((step) => void step(cli, directory)),
  };
}
