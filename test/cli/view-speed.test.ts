/** What the screen costs with twenty running streams, and how soon it shows a change; printed beside the floor of the same run. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { renderSummary } from '../../src/view/summary/summary.ts';
import { openClient } from '../support/tmux-client.ts';
import { createProjectRig, type ProjectRig } from '../support/worker-rig.ts';

const STREAMS = Array.from({ length: 20 }, (_, i) => `S${String(i).padStart(2, '0')}`);
/** A quiet summary looks every 15 s: this holds two of its looks. */
const QUIET_MS = 30_000;
const BUSY_SECONDS = 10;

/** A tmux and a git in front of the real ones that note who called. */
function createCounter() {
  const directory = mkdtempSync(join(tmpdir(), 'orchestrate-count-'));
  mkdirSync(directory, { recursive: true });
  for (const tool of ['tmux', 'git']) {
    const real = execFileSync('/bin/sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();
    writeFileSync(
      join(directory, tool),
      `#!/bin/sh\nprintf '%s\\n' "$PPID" >> '${directory}/${tool}.calls'\nexec '${real}' "$@"\n`,
    );
    chmodSync(join(directory, tool), 0o755);
  }
  return {
    directory,
    calls(tool: 'tmux' | 'git', pid: number): number {
      const file = join(directory, `${tool}.calls`);
      const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
      return lines.filter((line) => line === String(pid)).length;
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Processor time of a process and of its children that have ended, in ms. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0);
}

/** Percent of a core that `pid` used while `work` went on. */
async function share(pid: number, work: () => Promise<void>): Promise<number> {
  const [cpu, at] = [cpuOf(pid), performance.now()];
  await work();
  return (100 * (cpuOf(pid) - cpu)) / (performance.now() - at);
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Every stream's task is touched once a second. */
async function touchAll(rig: ProjectRig): Promise<void> {
  for (let second = 0; second < BUSY_SECONDS; second += 1) {
    const endMs = performance.now() + 1000;
    for (const id of STREAMS) rig.setTasks(id, 'in_progress', { notes: `second ${second}` });
    await pause(endMs - performance.now());
  }
}

test('twenty running streams: calls, processor time and delay of the live summary', async (t) => {
  using counter = createCounter();
  await using rig = await createProjectRig({
    plan: Object.fromEntries(STREAMS.map((id) => [id, []])),
    config: { maxWorkers: 20, agent: { kind: 'custom', command: '/bin/sleep', args: ['1000'] } },
    tools: [counter.directory],
  });
  const poller = rig.start(['--view']);
  await Promise.race([
    rig.until('all run', (report) => report.streams.every(({ state }) => state === 'running')),
    poller.end().then(() => assert.fail(poller.output())),
  ]);
  const summary = Number(
    rig
      .tmux('list-panes', '-a', '-F', '#{@orchestrate_role} #{pane_pid}')
      .split('\n')
      .find((line) => line.startsWith('summary '))
      ?.slice(8),
  );
  const session = rig.tmux('list-sessions', '-F', '#{session_id}').trim();
  using client = openClient(
    ['-L', rig.cli.socket, 'attach-session', '-t', `${session}:`],
    { columns: 200, rows: 50 },
    rig.cli.env,
  );
  await client.sees(/20 running[\s\S]*0\/20 tasks|0\/20 tasks/);

  const before = counter.calls('tmux', process.pid);
  for (let i = 0; i < 5; i += 1) await rig.look();
  assert.equal(counter.calls('tmux', process.pid) - before, 5, 'one call of tmux a look');

  await t.test('a change in the store is on the screen within half a second', async () => {
    const delays: number[] = [];
    const floors: number[] = [];
    const [pane = ''] = rig
      .tmux('split-window', '-d', '-l', '3', '-P', '-F', '#{pane_id}', '-t', `${session}:`, 'cat')
      .trim()
      .split('\n');
    for (const [i, id] of STREAMS.slice(0, 10).entries()) {
      let startMs = performance.now();
      rig.tmux('send-keys', '-t', pane, '-l', `mark${i} `);
      await client.sees(new RegExp(`mark${i} `));
      floors.push(performance.now() - startMs);
      startMs = performance.now();
      rig.setTasks(id, 'completed');
      await client.sees(new RegExp(`${i + 1}/20 tasks`));
      delays.push(performance.now() - startMs);
    }
    rig.tmux('kill-pane', '-t', pane);
    const [delay, floor] = [median(delays), median(floors)].map(Math.round) as [number, number];
    t.diagnostic(`store to screen: median ${delay} ms, most ${Math.round(Math.max(...delays))} ms`);
    t.diagnostic(`floor, a key typed into a pane to the screen: median ${floor} ms`);
    assert.ok(delay < 500 + 5 * floor, `${delay} ms`);
  });

  const quietCalls = counter.calls('tmux', summary);
  const quiet = await share(summary, () => pause(QUIET_MS));
  const looks = counter.calls('tmux', summary) - quietCalls;
  const [busyTmux, busyGit] = [counter.calls('tmux', summary), counter.calls('git', summary)];
  const busy = await share(summary, () => touchAll(rig));
  const tmuxCalls = counter.calls('tmux', summary) - busyTmux;
  const gitCalls = counter.calls('git', summary) - busyGit;
  const floor = floorShare();
  t.diagnostic(`quiet: ${quiet.toFixed(2)} % of a core, ${looks} calls of tmux in ${QUIET_MS / 1000} s`);
  t.diagnostic(
    `all change each second: ${busy.toFixed(2)} % of a core, ${tmuxCalls} calls of tmux and ${gitCalls} of git in ${BUSY_SECONDS} s`,
  );
  t.diagnostic(`floor, one tmux and one git started each second by node: ${floor.toFixed(2)} % of a core`);
  assert.ok(quiet < Math.max(1, floor), `${quiet} % while nothing changes`);
  assert.ok(busy < Math.max(5, 8 * floor), `${busy} % while all change`);
  await poller.kill();
});

test('a redraw of a thousand streams takes less than a tenth of a second', async (t) => {
  const ids = Array.from({ length: 1000 }, (_, i) => `S${i}`);
  const plan = Object.fromEntries(ids.map((id, i) => [id, i < 10 ? [] : [`S${i - 10}`]]));
  await using rig = await createProjectRig({ plan });
  const looks: number[] = [];
  const draws: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    const startMs = performance.now();
    const report = await rig.look();
    looks.push(performance.now() - startMs);
    const drawMs = performance.now();
    const size = { columns: 200, rows: 60, colour: true, unicode: true, nowMs: Date.now() };
    assert.equal(renderSummary(report, size).length, 60);
    draws.push(performance.now() - drawMs);
  }
  t.diagnostic(
    `a look at 1000 streams: median ${Math.round(median(looks))} ms; drawing them: ${Math.round(median(draws))} ms`,
  );
  assert.ok(Math.min(...draws) < 100, draws.join());
});

/** Percent of a core that a Node process pays for starting one tmux and one git a second, and nothing else. */
function floorShare(): number {
  const times = 20;
  const before = cpuOf(process.pid);
  for (let i = 0; i < times; i += 1) {
    execFileSync('tmux', ['-V'], { stdio: 'ignore' });
    execFileSync('git', ['--version'], { stdio: 'ignore' });
  }
  return (cpuOf(process.pid) - before) / times / 10;
}
