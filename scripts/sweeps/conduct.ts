/** What agents do, well and badly, in a world in which everything happens. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Worker } from '../../test/support/worker-desk.ts';
import type { ProjectRig, Running } from '../../test/support/worker-rig.ts';
import type { Clock } from './fault.ts';

export type Random = (below: number) => number;

/** A project in which everything happens, and what has happened. */
export type World = {
  readonly rig: ProjectRig;
  readonly random: Random;
  readonly pollers: Running[];
  /** Each poller's own, which its agents' commands go by too. */
  readonly clocks: Clock[];
  readonly ids: readonly string[];
  /** Commits that agents made. */
  readonly commits: string[];
  /** Ignored files that agents wrote. */
  readonly files: string[];
  /** A process of nobody's concern whose number stands in our files. */
  readonly bystander: ChildProcess;
  /** Processes in sessions of others, each with the tmux server that it goes with. */
  readonly neighbours: { readonly pid: number; readonly server: number }[];
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

export async function finish(world: World, worker: Worker): Promise<void> {
  await work(world, worker);
  world.rig.setTasks(worker.stream, 'completed');
  worker.exit(0);
}

const IMMORTAL_CHILD = `setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' >/dev/null 2>&1 &`;

/** What agents do, by name. */
export const CONDUCT: Readonly<Record<string, (world: World, worker: Worker) => Promise<void>>> = {
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
