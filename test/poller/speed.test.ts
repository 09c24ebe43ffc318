/** Speed, printed beside what the bare commands take in the same run; the bounds are wide, since machines are busy. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { policyOf } from '../../src/app/ports.ts';
import { openProject } from '../../src/app/project.ts';
import { openPorts } from '../../src/app/wiring.ts';
import { decide } from '../../src/core/decide/decide.ts';
import { takeLook } from '../../src/look/snapshot.ts';
import { STEERED_WORKER } from '../support/worker-desk.ts';
import { createProjectRig, type ProjectRig } from '../support/worker-rig.ts';

const run = promisify(execFile);

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Median duration of a work, in ms. */
async function timed(times: number, work: (at: number) => Promise<unknown>): Promise<number> {
  const durations: number[] = [];
  for (let at = 0; at < times; at += 1) {
    const startedMs = performance.now();
    await work(at);
    durations.push(performance.now() - startedMs);
  }
  return median(durations);
}

/** The bare commands of a hand-off: merge, worktree, window with the same agent; until that agent runs. */
async function bareHandOff(rig: ProjectRig, at: number): Promise<number> {
  const stream = `bare-${at}`;
  const where = join(rig.cli.home, stream);
  const how = { cwd: rig.root, env: rig.cli.env };
  const startedMs = Date.now();
  await run('git', ['merge-tree', '--write-tree', 'main', 'orchestrate/s0'], how);
  await run('git', ['worktree', 'add', '--quiet', '--no-track', '-b', stream, where, 'main'], how);
  const agent = [process.execPath, STEERED_WORKER, rig.desk.socketPath, rig.desk.ledger, stream, '-'];
  await run('tmux', ['-L', rig.cli.socket, 'new-window', '-d', '-c', where, ...agent], how);
  const worker = await rig.nextWorker(stream);
  worker.exit(0);
  await worker.end();
  return startedAtMs(rig, stream) - startedMs;
}

function startedAtMs(rig: ProjectRig, stream: string): number {
  return rig.desk.starts().find((each) => each.stream === stream)?.atMs ?? Number.NaN;
}

test('hand-off: from the end of a dependency to the start of its dependent, beside the bare commands', async (t) => {
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
  assert.equal((await poller.end()).code, 0);
  const ours = ids.slice(1).map((id, at) => startedAtMs(rig, id) - (ended[at] ?? 0));
  const ratio = median(ours) / median(bare);
  t.diagnostic(
    `hand-off ${median(ours)} ms [${Math.min(...ours)}-${Math.max(...ours)}], bare ${median(bare)} ms: ${ratio.toFixed(2)} times`,
  );
  assert.ok(ratio < 6, `${ratio} times the bare commands`);
});

/** A plan of `count` streams in chains of ten, with ten tasks each. */
function bigPlan(count: number): object {
  const streams = Array.from({ length: count }, (_, at) => ({
    id: `Stream-${at}`,
    dependencies: at % 10 === 0 ? [] : [`Stream-${at - 1}`],
    tasks: Array.from({ length: 10 }, (_, task) => ({ title: `Task ${task} of ${at}` })),
  }));
  return { initiative: { id: 'big', title: 'Big' }, prd: { title: 'Big' }, streams };
}

test('status of 300 streams, beside a bare start of node', async (t) => {
  await using rig = await createProjectRig({ plan: { file: bigPlan(300) } });
  const how = { cwd: rig.root, env: rig.cli.env, maxBuffer: 1 << 26 };
  await rig.run(['status']);
  const ours: number[] = [];
  const floors: number[] = [];
  for (let at = 0; at < 7; at += 1) {
    floors.push(await timed(1, () => run(process.execPath, ['-e', '0'], how)));
    ours.push(await timed(1, () => run(process.execPath, [CLI_ENTRY, 'status'], how)));
  }
  const [status, floor] = [median(ours), median(floors)];
  t.diagnostic(`status of 300 streams ${status.toFixed(0)} ms, node alone ${floor.toFixed(0)} ms`);
  assert.ok(status < 400 + 15 * floor, `${status} ms`);
});

test('1,000 streams with 10,000 tasks: an idle tick, and the memory of the poller', async (t) => {
  await using rig = await createProjectRig({ plan: { file: bigPlan(1_000) }, config: { maxWorkers: 1 } });
  const poller = rig.start();
  const worker = await rig.nextWorker('Stream-0');
  await tickDuration(t, rig);
  const status = readFileSync(`/proc/${poller.child.pid}/status`, 'utf8');
  const [now, peak] = ['VmRSS', 'VmHWM'].map(
    (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024,
  );
  t.diagnostic(`poller of 1,000 streams: ${now?.toFixed(0)} MB, at most ${peak?.toFixed(0)} MB`);
  assert.ok(now !== undefined && now < 130, `${now} MB`);
  worker.kill();
  await poller.kill();
});

async function tickDuration(t: TestContext, rig: ProjectRig): Promise<void> {
  const project = openProject({ cwd: rig.root, env: rig.cli.env });
  const ports = await openPorts(project, { create: true });
  const policy = policyOf(ports.config, ports.agent, null, 0);
  const tick = async () => decide((await takeLook(ports, new Map(), true)).snapshot, policy);
  for (let warm = 0; warm < 3; warm += 1) await tick();
  const idle = await timed(15, tick);
  const floor = await timed(15, () =>
    Promise.all([
      run('tmux', ['-L', rig.cli.socket, 'list-panes', '-a'], { env: rig.cli.env }),
      run('git', ['for-each-ref'], { cwd: rig.root, env: rig.cli.env }),
    ]),
  );
  project.close();
  t.diagnostic(`idle tick ${idle.toFixed(1)} ms, one tmux and one git call ${floor.toFixed(1)} ms`);
  assert.ok(idle < 100 + 5 * floor, `${idle} ms`);
}
