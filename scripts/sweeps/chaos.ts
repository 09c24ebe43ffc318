/** Many pollers at once with kills at random, agents that misbehave in every way, and what people and accidents do to tmux, stores and clocks. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { seeded } from '../../test/support/landing-sweep.ts';
import type { Worker } from '../../test/support/worker-desk.ts';
import { type ProjectRig, type Running, statesOf } from '../../test/support/worker-rig.ts';
import { faultObstacle, wrongClock } from './fault.ts';
import { assertKept, assertStatusAgrees, isAlive, untilNobodyIsLeft } from './oracle.ts';
import { projectWithIgnored } from './scenes.ts';
import { assertWellTold, atEach, type Sweep } from './sweep.ts';

type Random = (below: number) => number;

/** A project in which everything happens, and what has happened. */
type World = {
  readonly rig: ProjectRig;
  readonly random: Random;
  readonly pollers: Running[];
  readonly ids: readonly string[];
  /** Commits that agents made. */
  readonly commits: string[];
  /** Ignored files that agents wrote. */
  readonly files: string[];
  /** A process of nobody's concern whose number stands in our files. */
  readonly bystander: ChildProcess;
  /** Worktrees whose `.git` an agent has swapped. */
  readonly swapped: Set<string>;
};

/** Whatever an earlier run left half-done is put in order, as an agent would that reads `git status`. */
const PUT_IN_ORDER =
  'git rebase --abort 2>/dev/null; git checkout --quiet "orchestrate/$ORCHESTRATE_KEY" && git reset --quiet';

async function work(world: World, worker: Worker): Promise<void> {
  await worker.sh(PUT_IN_ORDER);
  world.commits.push(await worker.commit(`${worker.stream}-${worker.run}.txt`));
  await worker.sh('echo kept > "kept-$1.ign"', String(worker.run));
  world.files.push(join(worker.cwd, `kept-${worker.run}.ign`));
}

async function finish(world: World, worker: Worker): Promise<void> {
  await work(world, worker);
  world.rig.setTasks(worker.stream, 'completed');
  worker.exit(0);
}

const IMMORTAL_CHILD = `setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' >/dev/null 2>&1 &`;

/** What agents do, by name. */
const CONDUCT: Readonly<Record<string, (world: World, worker: Worker) => Promise<void>>> = {
  'does its work': finish,
  'dies half-done': async (world, worker) => {
    await work(world, worker);
    worker.kill();
  },
  'exits 0 with nothing': async (_, worker) => worker.exit(0),
  'exits 1': async (_, worker) => worker.exit(1),
  'is immortal, and so is its child': async (world, worker) => {
    await worker.ignoreSignals();
    await worker.sh(IMMORTAL_CHILD);
    await work(world, worker);
  },
  hangs: async (_, worker) => void worker,
  'leaves an immortal child and ends': async (world, worker) => {
    await worker.sh(IMMORTAL_CHILD);
    await finish(world, worker);
  },
  'detaches HEAD': async (world, worker) => {
    await worker.sh(`${PUT_IN_ORDER}; git checkout --quiet --detach`);
    world.commits.push(await worker.commit(`detached-${worker.run}.txt`));
    world.rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  },
  'is in the middle of a rebase': async (world, worker) => {
    await work(world, worker);
    await worker.sh('GIT_SEQUENCE_EDITOR="sed -i 1ibreak" git rebase --quiet --interactive HEAD~1');
    worker.exit(0);
  },
  'swaps .git': async (world, worker) => {
    await work(world, worker);
    await worker.sh('mv .git .git-before && echo "gitdir: /nonexistent" > .git');
    world.swapped.add(worker.cwd);
    worker.exit(0);
  },
};

/** Does something where it may be that nothing is there to do it to. */
function tmux({ rig }: World, ...args: string[]): string {
  try {
    return rig.tmux(...args);
  } catch (error) {
    if (error instanceof Error && 'status' in error) return '';
    throw error;
  }
}

function startOne(world: World): void {
  const shift = [0, 0, 86_400, -86_400][world.random(4)] ?? 0;
  const env = shift === 0 ? {} : wrongClock(shift);
  world.pollers.push(world.rig.start(['--poll', '1'], { env }));
}

/** Another program holds a database for a while. */
async function lock(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const db = new Database(path, { timeout: 2_000 });
  try {
    db.exec('BEGIN EXCLUSIVE');
    await pause(800);
    db.exec('ROLLBACK');
  } catch (error) {
    if (!/locked|busy/i.test(String(error))) throw error;
  } finally {
    db.close();
  }
}

const stateOf = ({ rig }: World): string => join(rig.root, '.claude', 'orchestrator', 'state.db');
const living = ({ pollers }: World): Running[] =>
  pollers.filter(({ child }) => child.exitCode === null && child.signalCode === null);
const anyOf = <T>(random: Random, all: readonly T[]): T | undefined => all[random(Math.max(1, all.length))];

/** What happens in between, by name. */
const ACCIDENTS: Readonly<Record<string, (world: World) => Promise<void> | void>> = {
  'a poller starts': startOne,
  'five pollers start at once': (world) => {
    for (let at = 0; at < 5; at += 1) startOne(world);
  },
  'a poller is killed': (world) => void anyOf(world.random, living(world))?.child.kill('SIGKILL'),
  'every poller is killed': (world) => {
    for (const { child } of living(world)) child.kill('SIGKILL');
  },
  'a poller is asked to end': (world) => void anyOf(world.random, living(world))?.child.kill('SIGTERM'),
  'a poller sleeps for a while': async (world) => {
    const poller = anyOf(world.random, living(world));
    poller?.child.kill('SIGSTOP');
    startOne(world);
    await pause(700);
    poller?.child.kill('SIGCONT');
  },
  'the tmux server is ended': (world) => void tmux(world, 'kill-server'),
  'the tmux server is killed': (world) => {
    const pid = Number(tmux(world, 'display-message', '-p', '#{pid}'));
    if (pid > 0) process.kill(pid, 'SIGKILL');
  },
  'the socket is removed': (world) => {
    const socket = tmux(world, 'display-message', '-p', '#{socket_path}').trim();
    if (socket !== '') rmSync(socket, { force: true });
  },
  'a window is closed': (world) => {
    const panes = tmux(world, 'list-panes', '-a', '-F', '#{pane_id} #{@orchestrate_role}').split('\n');
    const ours = panes.filter((line) => line.endsWith(' worker'));
    const pane = anyOf(world.random, ours)?.split(' ')[0];
    if (pane !== undefined) tmux(world, 'kill-pane', '-t', pane);
  },
  'the session is renamed': (world) => {
    const name = `renamed-${world.random(1000)}`;
    if (tmux(world, 'list-sessions').includes('orchestrate-project:'))
      tmux(world, 'rename-session', '-t', '=orchestrate-project', name);
  },
  'neighbours take our names': (world) => {
    tmux(world, 'new-session', '-d', '-s', 'orchestrate-project', '-n', 'a', 'sleep 1000');
    tmux(
      world,
      'new-session',
      '-d',
      '-s',
      `orchestrate-project2-${world.random(1000)}`,
      '-n',
      'a',
      'sleep 1000',
    );
  },
  'the store is locked': (world) => lock(world.rig.store.path),
  'the state is locked': (world) => lock(stateOf(world)),
  'a process takes the number of a dead agent': (world) => {
    const directory = join(world.rig.root, '.claude', 'orchestrator', 'pids');
    if (!existsSync(directory)) return;
    for (const id of world.ids)
      writeFileSync(join(directory, `${id.toLowerCase()}.pid`), `${world.bystander.pid}\n`);
  },
  'all is stopped': async (world) => {
    const ended = await world.rig.cli.run(['stop']);
    assertWellTold(ended);
  },
  'a stream is stopped, tried again and started': async (world) => {
    const id = anyOf(world.random, world.ids) ?? '';
    for (const words of [
      ['stop', id],
      ['retry', id],
    ])
      assertWellTold(await world.rig.cli.run(words));
  },
};

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
  rig.cli.git('fsck', '--connectivity-only');
}

/** One project with everything that a seed has happen in it; throws what did not hold, with what happened. */
async function goThrough(seed: number): Promise<void> {
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
    commits: [],
    files: [],
    swapped: new Set(),
  };
  const notes = [`seed ${seed}, ${JSON.stringify(plan)}`];
  const conducts = Object.entries(CONDUCT);
  rig.onWorker(async (worker) => {
    const [name, conduct] = anyOf(random, conducts) ?? ['', finish];
    notes.push(`${worker.stream}${worker.run} ${name}`);
    // Whoever is killed in the middle of it, or finds no git where it works, does no more.
    await conduct(world, worker).catch((error: unknown) =>
      notes.push(`  which failed: ${String(error).slice(0, 200)}`),
    );
  });
  try {
    startOne(world);
    for (let round = 0; round < 10; round += 1) {
      await pause(100 + random(900));
      const [name, happen] = anyOf(random, Object.entries(ACCIDENTS)) ?? ['', startOne];
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

export const chaos: Sweep = {
  name: 'chaos',
  summary:
    'pollers in numbers with random kills and wrong clocks, misbehaving agents, and accidents to tmux and the stores',
  obstacle: faultObstacle,
  cases: () => [
    {
      name: 'chaos',
      harm: 'ten random accidents to a project at work',
      run: (reach) => {
        const seeds = Array.from({ length: reach.quick ? 1 : reach.runs }, (_, at) => reach.seed + at);
        return atEach(
          reach,
          seeds.map((seed) => [`seed ${seed}`, seed] as const),
          goThrough,
        );
      },
    },
  ],
};
