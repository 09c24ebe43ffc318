/** Many pollers at once with kills at random, agents that misbehave in every way, and accidents: each alone, and all together. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive } from '../../test/support/alive.ts';
import { seeded } from '../../test/support/landing-sweep.ts';
import { statesOf } from '../../test/support/worker-rig.ts';
import { ACCIDENTS, anyOf, living, startMany, startOne } from './accidents.ts';
import { CONDUCT, finish, type World } from './conduct.ts';
import { faultObstacle } from './fault.ts';
import { assertKept, assertStatusAgrees, untilNobodyIsLeft } from './oracle.ts';
import { projectWithIgnored } from './scenes.ts';
import { assertWellTold, atEachSeed, type Case, type Sweep } from './sweep.ts';

/** Nobody polls or works any more. */
async function endAll(world: World): Promise<void> {
  for (const { child } of living(world)) child.kill('SIGKILL');
  for (const poller of world.pollers) {
    const ended = await poller.end();
    if (ended.signal === null) assertWellTold(ended);
  }
  assertWellTold(await world.rig.cli.run(['stop']));
  await untilNobodyIsLeft(world.rig);
}

/** Everybody behaves; what only a user can put right is put right; and all must be done, once, with nothing lost. */
async function settle(world: World): Promise<void> {
  const { rig, ids } = world;
  await endAll(world);
  for (const path of world.swapped)
    if (existsSync(join(path, '.git-before'))) renameSync(join(path, '.git-before'), join(path, '.git'));
  for (const id of ids) assertWellTold(await rig.cli.run(['retry', id]));
  rig.onWorker((worker) => finish(world, worker));
  // Completed by an agent that left something else undone: its stream is not done, and its agent is to say so again.
  for (const id of ids) if ((await rig.stream(id)).state !== 'done') rig.setTasks(id, 'pending');
  const { code, stdout, stderr } = await rig.start().end();
  assert.equal(code, 0, `${stdout.slice(-1500)}${stderr}`);
  const report = await assertStatusAgrees(rig);
  assert.deepEqual([...new Set(Object.values(statesOf(report)))], ['done']);
  assertKept(rig, world.commits);
  for (const file of world.files) assert.ok(existsSync(file), `${file} is lost`);
  await untilNobodyIsLeft(rig);
  assert.ok(isAlive(world.bystander.pid ?? 0), 'a process of nobody’s concern was ended');
  for (const { pid, server } of world.neighbours)
    assert.ok(isAlive(pid) || !isAlive(server), 'a session of others was ended');
  rig.cli.git('fsck', '--connectivity-only');
}

/** What may happen in a world. */
type Fate = {
  readonly conduct: typeof CONDUCT;
  readonly accidents: typeof ACCIDENTS;
  /** How many accidents. */
  readonly rounds: number;
};

/** One project with what a seed has happen in it; throws what did not hold, with what happened. */
async function goThrough(seed: number, { conduct, accidents, rounds }: Fate): Promise<void> {
  const random = seeded(seed);
  const ids = ['A', 'B', 'C', 'D'].slice(0, 2 + random(3));
  const plan = Object.fromEntries(
    ids.map((id, at) => [id, at > 0 && random(2) === 0 ? [ids[random(at)] ?? 'A'] : []]),
  );
  const restart = { maxAttempts: 50, windowMinutes: 60, delaysSeconds: [0.05] };
  await using rig = await projectWithIgnored(plan, [], { restart });
  const bystander = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const world: World = {
    rig,
    random,
    ids,
    bystander,
    pollers: [],
    clocks: [],
    commits: [],
    files: [],
    neighbours: [],
    swapped: new Set(),
  };
  const notes = [`seed ${seed}, ${JSON.stringify(plan)}`];
  rig.onWorker(async (worker) => {
    const [name, behave] = anyOf(random, Object.entries(conduct)) ?? ['', finish];
    notes.push(`${worker.stream}${worker.run} ${name}`);
    // Whoever is killed in the middle of it, or finds no git where it works, does no more.
    await behave(world, worker).catch((error: unknown) =>
      notes.push(`  which failed: ${String(error).slice(0, 200)}`),
    );
  });
  try {
    startOne(world);
    for (let round = 0; round < rounds; round += 1) {
      await pause(100 + random(900));
      const [name, happen] = anyOf(random, Object.entries(accidents)) ?? ['', startOne];
      notes.push(name);
      await happen(world);
      if (living(world).length === 0) startOne(world);
    }
    notes.push('everybody behaves');
    await settle(world);
  } catch (error) {
    throw new Error(`${notes.join('; ')}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  } finally {
    bystander.kill('SIGKILL');
  }
}

const START = { 'a poller starts': startOne };

/** Agents among which an accident meets some that work, some that are dead and some that hang. */
const MIXED = ['does its work', 'dies half-done', 'hangs'] as const;

const only = <T>(all: Readonly<Record<string, T>>, names: readonly string[]): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));

function atRandom(name: string, harm: string, worldsOfTwenty: number, fate: Fate): Case {
  return {
    name,
    harm,
    run: (reach) => {
      const runs = Math.ceil((reach.runs * worldsOfTwenty) / 20);
      return atEachSeed({ ...reach, runs }, (seed) => goThrough(seed, fate));
    },
  };
}

const TWENTY: typeof ACCIDENTS = {
  'twenty pollers start at once': (world) => startMany(world, 20),
  ...only(ACCIDENTS, ['a poller is killed', 'every poller is killed']),
};

export const chaos: Sweep = {
  name: 'chaos',
  summary:
    'twenty pollers at once with random kills, agents that misbehave, accidents to tmux, stores and clocks',
  obstacle: faultObstacle,
  cases: () => [
    ...Object.keys(CONDUCT).map((name) =>
      atRandom('agents', name, 2, { conduct: only(CONDUCT, [name]), accidents: START, rounds: 4 }),
    ),
    ...Object.keys(ACCIDENTS).map((name) =>
      atRandom('accident', name, 2, {
        conduct: only(CONDUCT, MIXED),
        accidents: only(ACCIDENTS, [name]),
        rounds: 4,
      }),
    ),
    atRandom('pollers', 'twenty at once, with random kills', 5, {
      conduct: CONDUCT,
      accidents: TWENTY,
      rounds: 6,
    }),
    atRandom('all of these', 'ten at random in one project', 20, {
      conduct: CONDUCT,
      accidents: ACCIDENTS,
      rounds: 10,
    }),
  ],
};
