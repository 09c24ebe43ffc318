/** What the live summary and the poller cost with twenty running streams, and how soon a change is shown. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { createCallCounter } from '../../test/support/shim.ts';
import { openClient, type TmuxClient } from '../../test/support/tmux-client.ts';
import { createProjectRig, type ProjectRig } from '../../test/support/worker-rig.ts';
import { type Benchmark, byTurns, durationMs, type Figure, rest, shareOf } from './measure.ts';

const STREAMS = Array.from({ length: 20 }, (_, at) => `S${String(at).padStart(2, '0')}`);
/** A quiet summary looks every 15 s: this holds two of its looks. */
const QUIET_MS = 30_000;
const BUSY_SECONDS = 10;

/** Every stream's task is touched once a second. */
async function touchAll(rig: ProjectRig): Promise<void> {
  for (let second = 0; second < BUSY_SECONDS; second += 1) {
    const endMs = performance.now() + 1_000;
    for (const id of STREAMS) rig.setTasks(id, 'in_progress', { notes: `second ${second}` });
    await pause(endMs - performance.now());
  }
}

/** Starts one tmux and one git a second, and nothing else, as often as a busy summary is measured. */
async function askBoth(): Promise<void> {
  for (let second = 0; second < BUSY_SECONDS; second += 1) {
    execFileSync('tmux', ['-V'], { stdio: 'ignore' });
    execFileSync('git', ['--version'], { stdio: 'ignore' });
    await pause(1_000);
  }
}

/** From a change in the store to the screen, beside a key typed into a pane to the screen. */
async function delays(rig: ProjectRig, client: TmuxClient, session: string): Promise<Figure> {
  const split = ['split-window', '-d', '-l', '3', '-P', '-F', '#{pane_id}', '-t', `${session}:`, 'cat'];
  const pane = rig.tmux(...split).trim();
  let marks = 0;
  let done = 0;
  const [keys, changes] = await byTurns(10, [
    () =>
      durationMs(() => {
        marks += 1;
        const mark = `mark${marks} `;
        rig.tmux('send-keys', '-t', pane, '-l', mark);
        return client.sees(new RegExp(mark));
      }),
    () =>
      durationMs(() => {
        rig.setTasks(STREAMS[done] ?? '', 'completed');
        done += 1;
        return client.sees(new RegExp(`${done}/20 tasks`));
      }),
  ]);
  rig.tmux('kill-pane', '-t', pane);
  return {
    name: 'store to screen',
    unit: 'ms',
    samples: changes,
    floor: { name: 'a key to screen', samples: keys },
  };
}

/** What a process with the commands it runs costs while nothing happens, and while all streams change each second. */
async function costsOf(
  rig: ProjectRig,
  who: string,
  pid: number,
  calls: () => number,
): Promise<readonly Figure[]> {
  let before = calls();
  const quiet = await shareOf(pid, rest(QUIET_MS));
  const quietCalls = calls() - before;
  before = calls();
  const busy = await shareOf(pid, () => touchAll(rig));
  const busyCalls = calls() - before;
  const memory = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  const floor = { name: 'one tmux and one git a second', samples: [await shareOf(process.pid, askBoth)] };
  const node = { name: 'this benchmark itself', samples: [process.memoryUsage.rss() / 2 ** 20] };
  return [
    { name: `${who}, quiet`, unit: '% of a core', samples: [quiet], floor },
    { name: `${who}, all change each second`, unit: '% of a core', samples: [busy], floor },
    {
      name: `${who}, git and tmux in ${QUIET_MS / 1000} quiet seconds`,
      unit: 'calls',
      samples: [quietCalls],
      floor: null,
    },
    {
      name: `${who}, git and tmux in ${BUSY_SECONDS} busy seconds`,
      unit: 'calls',
      samples: [busyCalls],
      floor: null,
    },
    { name: `${who}, memory`, unit: 'MB', samples: [memory], floor: node },
  ];
}

async function measure(): Promise<readonly Figure[]> {
  using counter = createCallCounter();
  await using rig = await createProjectRig({
    plan: Object.fromEntries(STREAMS.map((id) => [id, []])),
    config: { maxWorkers: 20, agent: { kind: 'custom', command: '/bin/sleep', args: ['1000'] } },
    tools: [counter.directory],
  });
  const poller = rig.start(['--view']);
  await rig.until('all run', (report) => report.streams.every(({ state }) => state === 'running'));
  const panes = rig.tmux('list-panes', '-a', '-F', '#{@orchestrate_role} #{pane_pid}').split('\n');
  const summary = Number(panes.find((line) => line.startsWith('summary '))?.slice(8));
  const session = rig.tmux('list-sessions', '-F', '#{session_id}').trim();
  const attach = ['-L', rig.cli.socket, 'attach-session', '-t', `${session}:`];
  using client = openClient(attach, { columns: 200, rows: 50 }, rig.cli.env);
  await client.sees(/0\/20 tasks/);
  const figures = [await delays(rig, client, session)];
  const polling = poller.child.pid ?? 0;
  for (const [who, pid] of [
    ['summary', summary],
    ['orchestrate', polling],
  ] as const)
    figures.push(
      ...(await costsOf(rig, who, pid, () => counter.calls('tmux', pid) + counter.calls('git', pid))),
    );
  await poller.kill();
  return figures;
}

export const view: readonly Benchmark[] = [
  {
    name: 'view',
    summary:
      'the live summary and orchestrate with 20 agents: share of a core, calls, memory, and how soon a change is shown',
    run: measure,
  },
];
