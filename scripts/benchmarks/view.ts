/** What the live summary costs with twenty running streams, and how soon it shows a change. */
import { execFileSync } from 'node:child_process';
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
  const delay = await delays(rig, client, session);
  const callsSoFar = () => counter.calls('tmux', summary) + counter.calls('git', summary);
  let before = callsSoFar();
  const quiet = await shareOf(summary, rest(QUIET_MS));
  const quietCalls = callsSoFar() - before;
  before = callsSoFar();
  const busy = await shareOf(summary, () => touchAll(rig));
  const busyCalls = callsSoFar() - before;
  const floor = { name: 'one tmux and one git a second', samples: [await shareOf(process.pid, askBoth)] };
  await poller.kill();
  return [
    delay,
    { name: 'quiet summary of 20 streams', unit: '% of a core', samples: [quiet], floor },
    { name: 'the same while all change each second', unit: '% of a core', samples: [busy], floor },
    {
      name: `git and tmux in ${QUIET_MS / 1000} quiet seconds`,
      unit: 'calls',
      samples: [quietCalls],
      floor: null,
    },
    {
      name: `git and tmux in ${BUSY_SECONDS} busy seconds`,
      unit: 'calls',
      samples: [busyCalls],
      floor: null,
    },
  ];
}

export const view: readonly Benchmark[] = [
  {
    name: 'view',
    summary: 'the live summary: its share of a core, its calls, and how soon it shows a change',
    run: measure,
  },
];
