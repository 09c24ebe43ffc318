/** How quick the poller is: a hand-off beside its bare commands, an idle tick of a great plan, memory, and leaving. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { policyOf } from '../../src/app/ports.ts';
import { openProject } from '../../src/app/project.ts';
import { openPorts } from '../../src/app/wiring.ts';
import { decide } from '../../src/core/decide/decide.ts';
import { takeLook } from '../../src/look/snapshot.ts';
import { STEERED_WORKER } from '../../test/support/worker-desk.ts';
import { createProjectRig, type ProjectRig } from '../../test/support/worker-rig.ts';
import { type Benchmark, byTurns, durationMs, type Figure } from './measure.ts';
import { bigPlan, inProject, nodeMs } from './projects.ts';

const run = promisify(execFile);

function startedAtMs(rig: ProjectRig, stream: string): number {
  return rig.desk.starts().find((each) => each.stream === stream)?.atMs ?? Number.NaN;
}

/** The bare commands of a hand-off: merge, worktree, window with the same agent; until that agent runs. */
async function bareHandOff(rig: ProjectRig, at: number): Promise<number> {
  const stream = `bare-${at}`;
  const where = join(rig.cli.home, stream);
  const how = { cwd: rig.root, env: rig.cli.env };
  const startMs = Date.now();
  await run('git', ['merge-tree', '--write-tree', 'main', 'orchestrate/s0'], how);
  await run('git', ['worktree', 'add', '--quiet', '--no-track', '-b', stream, where, 'main'], how);
  const agent = [process.execPath, STEERED_WORKER, rig.desk.socketPath, rig.desk.ledger, stream, '-'];
  await run('tmux', ['-L', rig.cli.socket, 'new-window', '-d', '-c', where, ...agent], how);
  const worker = await rig.nextWorker(stream);
  worker.exit(0);
  await worker.end();
  return startedAtMs(rig, stream) - startMs;
}

async function handOff(): Promise<readonly Figure[]> {
  const ids = Array.from({ length: 9 }, (_, at) => `S${at}`);
  await using rig = await createProjectRig({
    plan: Object.fromEntries(ids.map((id, at) => [id, at === 0 ? [] : [`S${at - 1}`]])),
  });
  const poller = rig.start();
  const ended: number[] = [];
  const bare: number[] = [];
  for (const [at, id] of ids.entries()) {
    const worker = await rig.nextWorker(id);
    // In between, so that both meet the same load.
    bare.push(await bareHandOff(rig, at));
    await worker.commit(`${id}.txt`);
    rig.setTasks(id, 'completed');
    worker.exit(0);
    await worker.end();
    ended.push(Date.now());
  }
  await poller.end();
  const samples = ids.slice(1).map((id, at) => startedAtMs(rig, id) - (ended[at] ?? Number.NaN));
  const floor = { name: 'merge, worktree and window by hand', samples: bare };
  return [{ name: 'hand-off to a dependent', unit: 'ms', samples, floor }];
}

async function greatPlan(): Promise<readonly Figure[]> {
  await using rig = await createProjectRig({ plan: { file: bigPlan(1_000) }, config: { maxWorkers: 1 } });
  const poller = rig.start();
  await rig.nextWorker('Stream-0');
  const project = openProject({ cwd: rig.root, env: rig.cli.env });
  const ports = await openPorts(project, { create: true });
  const policy = policyOf(ports.config, ports.agent, null, 0);
  const tick = async () => decide((await takeLook(ports, new Map(), true)).snapshot, policy);
  for (let warm = 0; warm < 3; warm += 1) await tick();
  const [idle, floor] = await byTurns(15, [
    () => durationMs(tick),
    () =>
      durationMs(() =>
        Promise.all([
          inProject(rig, 'tmux', ['-L', rig.cli.socket, 'list-panes', '-a']),
          inProject(rig, 'git', ['for-each-ref']),
        ]),
      ),
  ]);
  project.close();
  const status = readFileSync(`/proc/${poller.child.pid}/status`, 'utf8');
  const memory = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  const node = process.memoryUsage.rss() / 1024 / 1024;
  await poller.kill();
  return [
    {
      name: 'idle tick of 1,000 streams',
      unit: 'ms',
      samples: idle,
      floor: { name: 'one git and one tmux call', samples: floor },
    },
    {
      name: 'memory of a poller of 1,000 streams',
      unit: 'MB',
      samples: [memory],
      floor: { name: 'this benchmark itself', samples: [node] },
    },
  ];
}

/** How soon the poller is out after a signal. */
async function leaving(): Promise<readonly Figure[]> {
  await using rig = await createProjectRig();
  const once = async (): Promise<number> => {
    const poller = rig.start();
    await rig.until('it polls', ({ poller: seen }) => seen.pid === poller.child.pid);
    return durationMs(() => poller.kill('SIGTERM'));
  };
  const [samples, node] = await byTurns(5, [once, () => nodeMs(rig)]);
  return [{ name: 'out after TERM', unit: 'ms', samples, floor: { name: 'node -e 0', samples: node } }];
}

export const poller: readonly Benchmark[] = [
  { name: 'hand-off', summary: 'from the end of a dependency to the start of its dependent', run: handOff },
  { name: 'tick', summary: 'an idle tick of 1,000 streams, and the memory of its poller', run: greatPlan },
  { name: 'leave', summary: 'how soon the poller is out after a signal', run: leaving },
];
