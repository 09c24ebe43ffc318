/** How quick the poller is where nothing happens: an idle tick of plans of all sizes, memory, and leaving. */
import { readFileSync } from 'node:fs';
import { policyOf } from '../../src/app/ports.ts';
import { openProject } from '../../src/app/project.ts';
import { openPorts } from '../../src/app/wiring.ts';
import { decide } from '../../src/core/decide/decide.ts';
import { takeLook } from '../../src/look/snapshot.ts';
import { createProjectRig } from '../../test/support/worker-rig.ts';
import { type Benchmark, byTurns, durationMs, type Figure } from './measure.ts';
import { amount, bigPlan, eachOf, inProject, nodeMs, sizes } from './projects.ts';

async function greatPlan(streams: number): Promise<readonly Figure[]> {
  await using rig = await createProjectRig({ plan: { file: bigPlan(streams) }, config: { maxWorkers: 1 } });
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
      name: `idle tick of ${amount(streams)} streams`,
      unit: 'ms',
      samples: idle,
      floor: { name: 'one git and one tmux call', samples: floor },
    },
    {
      name: `memory of orchestrate with ${amount(streams)} streams`,
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
  {
    name: 'tick',
    summary: 'an idle tick of 4 to 3,000 streams of ten tasks, and the memory of orchestrate',
    run: (full) => eachOf(sizes(full), greatPlan),
  },
  { name: 'leave', summary: 'how soon orchestrate is out after a signal', run: leaving },
];
