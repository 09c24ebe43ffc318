/** What tidying up costs: thirty streams that have landed, in a repository of 5,000 files, beside the bare git commands by hand. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLandingWorld, type LandingWorld } from '../../test/support/landing-world.ts';
import { type Benchmark, durationMs, type Figure } from './measure.ts';
import { commandMs, inProject } from './projects.ts';

const STREAMS = 30;
const FILES = 5_000;
/** Removed files make the disk slow for what comes after, so each sample has a world of its own; which takes its time. */
const ROUNDS = 2;

/** Thirty streams, each with a worktree and a commit of its own, all of them on the branch. */
async function makeWorld(): Promise<LandingWorld> {
  const ids = Array.from({ length: STREAMS }, (_, at) => `S${at}`);
  const world = await createLandingWorld(Object.fromEntries(ids.map((id) => [id, []])));
  for (let at = 0; at < FILES; at += 1) {
    const directory = join(world.rig.root, 'src', `d${at % 100}`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `f${at}.txt`), `file ${at}\n`.repeat(20));
  }
  world.git(['add', 'src']);
  world.git(['commit', '--quiet', '-m', 'files']);
  const heads: string[] = [];
  for (const id of ids)
    heads.push(await world.finish(id, (at) => writeFileSync(join(at, `${id}.txt`), `by ${id}\n`)));
  const parents = heads.flatMap((head) => ['-p', head]);
  const landed = world.git(['commit-tree', 'main^{tree}', '-p', 'main', ...parents, '-m', 'Land']);
  world.git(['update-ref', 'refs/heads/main', landed]);
  // Files that never reached the disk go in no time: how many had would decide what is measured.
  execFileSync('sync');
  return world;
}

async function cleanMs(): Promise<number> {
  await using world = await makeWorld();
  const ms = await commandMs(world.rig, ['clean']);
  return ms;
}

async function byHandMs(): Promise<number> {
  await using world = await makeWorld();
  const one =
    'git worktree unlock $w && git worktree remove $w && git branch -q -D orchestrate/$(basename $w)';
  const script = `for w in .claude/worktrees/*; do ${one} || exit 1; done`;
  const ms = await durationMs(() => inProject(world.rig, '/bin/sh', ['-c', script]));
  return ms;
}

async function cleanAll(): Promise<readonly Figure[]> {
  const samples: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    samples.push(await cleanMs());
    floor.push(await byHandMs());
  }
  const name = 'git worktree unlock, remove and branch -D of each';
  return [{ name: `clean of ${STREAMS} streams`, unit: 'ms', samples, floor: { name, samples: floor } }];
}

export const tidy: readonly Benchmark[] = [
  { name: 'clean', summary: `clean of ${STREAMS} landed streams, beside git by hand`, run: cleanAll },
];
