/** `orchestrate hook stop` as an agent's hook calls it: refuses with all that is missing, a bounded number of times, quickly, and never breaks the agent. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStateDatabase } from '../../src/state/state-schema.ts';
import { until } from '../support/wait.ts';
import type { Worker } from '../support/worker-desk.ts';
import { createProjectRig, type ProjectRig, type Running } from '../support/worker-rig.ts';

/** A project with the worker of its stream at work. */
async function atWork(
  config: object = {},
): Promise<{ rig: ProjectRig; worker: Worker; poller: Running } & AsyncDisposable> {
  const rig = await createProjectRig({ plan: { A: [] }, config, agent: 'claude' });
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  await rig.untilState('A', 'running');
  return { rig, worker, poller, [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() };
}

/** Wants to stop, as reported by the hook's script; returns the refusal's text, null when there is none. */
async function stop(rig: ProjectRig, worker: Worker, report: object): Promise<string | null> {
  const spool = join(rig.root, '.claude', 'orchestrator', 'spool');
  writeFileSync(
    join(spool, `a-${worker.run}.Stop.json`),
    `${worker.env['ORCHESTRATE_TOKEN']}\n${JSON.stringify(report)}`,
  );
  const out = await worker.sh('orchestrate hook stop');
  if (out === '') return null;
  const answer = JSON.parse(out) as { decision: string; reason: string };
  assert.equal(answer.decision, 'block');
  return answer.reason;
}

const FIRST = { stop_hook_active: false, background_tasks: [] };
const AGAIN = {
  stop_hook_active: true,
  background_tasks: [],
  last_assistant_message: 'I am stuck. What now?',
};

test('a stop is refused with the open tasks, the uncommitted files and that no commit is there, until each is mended', async () => {
  await using it = await atWork();
  const { rig, worker } = it;
  await worker.sh('echo half > "not done.txt"');
  const all = await stop(rig, worker, FIRST);
  const [task] = rig.store.listTasks({ stream: 'A' });
  assert.match(all ?? '', new RegExp(`- task ${task?.id} "Task of A" is pending\\n`));
  assert.match(all ?? '', /- uncommitted: not done\.txt\n- there is no commit yet/);
  await worker.sh('git add . && git commit -q -m "Do it" && echo more >> "not done.txt"');
  const files = await stop(rig, worker, AGAIN);
  assert.match(files ?? '', /- uncommitted: not done\.txt\nFinish/);
  assert.doesNotMatch(files ?? '', /no commit yet/);
  await worker.sh('git commit -q -a -m "Do more"');
  assert.match((await stop(rig, worker, AGAIN)) ?? '', /Missing:\n- task \S+ "Task of A" is pending\nFinish/);
  await worker.completeTasks();
  assert.equal(await stop(rig, worker, AGAIN), null);
  const { stdout } = await rig.run(['logs', 'A']);
  assert.equal(stdout.match(/sent back to work: 1 task open/g)?.length ?? 0, 3, stdout);
});

test('it is given up when nothing changed since, and what the agent asked is kept', async () => {
  await using it = await atWork();
  const { rig, worker } = it;
  assert.notEqual(await stop(rig, worker, FIRST), null);
  assert.equal(await stop(rig, worker, AGAIN), null);
  assert.notEqual(await stop(rig, worker, FIRST), null, 'a new turn is told again');
  await worker.sh('git commit -q --allow-empty -m "Something"');
  assert.notEqual(await stop(rig, worker, AGAIN), null, 'something changed');
  assert.equal(await stop(rig, worker, AGAIN), null);
  worker.exit(0);
  const [first] = (await rig.until('the failed run', ({ events }) => events.some(failed))).events.filter(
    failed,
  );
  assert.match(first?.message ?? '', /^agent ended \(exit 0\): asks: "…What now\?" \(1 task open\)$/);
});

const failed = ({ kind }: { kind: string }): boolean => kind === 'run-failed';

test('it answers the agent that asks, whatever the configuration names by now', async () => {
  await using it = await atWork();
  it.rig.configure({ agent: { kind: 'custom', command: 'true' } });
  assert.match((await stop(it.rig, it.worker, FIRST)) ?? '', /"Task of A" is pending/);
});

test('it needs no poller', async () => {
  await using it = await atWork();
  await it.poller.kill('SIGKILL');
  assert.match((await stop(it.rig, it.worker, FIRST)) ?? '', /"Task of A" is pending/);
});

test('work left in the background is not refused', async () => {
  await using it = await atWork();
  const running = [{ id: 'b1', type: 'subagent', status: 'running', description: 'look around' }];
  assert.equal(await stop(it.rig, it.worker, { ...FIRST, background_tasks: running }), null);
  const ended = [{ ...running[0], status: 'completed' }];
  assert.notEqual(await stop(it.rig, it.worker, { ...FIRST, background_tasks: ended }), null);
});

test("a report without the run's own token says nothing of its stop", async () => {
  await using it = await atWork();
  const strange = { ...it.worker, env: { ORCHESTRATE_TOKEN: 'stolen' } };
  const running = [{ id: 'b1', type: 'subagent', status: 'running', description: 'look around' }];
  assert.notEqual(await stop(it.rig, strange, { ...FIRST, background_tasks: running }), null);
});

test('with leftovers to be committed, changed files are let be and untracked ones are not', async () => {
  await using it = await atWork({ leftovers: 'commit' });
  const { rig, worker } = it;
  await worker.completeTasks();
  await worker.sh('echo more >> README.md');
  assert.equal(await stop(rig, worker, FIRST), null);
  await worker.sh('echo new > new.txt');
  assert.match((await stop(rig, worker, FIRST)) ?? '', /Missing:\n- uncommitted: new\.txt\nFinish/);
});

test('it waits for a lock in bounds, and then lets the agent stop', async () => {
  await using it = await atWork();
  const { rig, worker } = it;
  const db = openStateDatabase(join(rig.root, '.claude', 'orchestrator', 'state.db'), {});
  db.exec('BEGIN IMMEDIATE');
  assert.match(
    await worker.sh('orchestrate hook stop 2>&1 || echo "ended with $?"'),
    /locked[\s\S]*ended with 4/,
  );
  db.exec('ROLLBACK');
  db.close();
});

test('outside a run, for a run that has ended, and without a state it refuses nothing', async () => {
  await using it = await atWork();
  const { rig, worker } = it;
  assert.deepEqual(
    (({ stdout, stderr }) => ({ stdout, stderr }))(await rig.run(['hook', 'stop'])),
    { stdout: '', stderr: '' },
    'outside a run',
  );
  await worker.commit('a.txt');
  await worker.completeTasks();
  worker.exit(0);
  // It is done as soon as it is verified; its run ends a moment later.
  await until('its run has ended', async () => (await rig.stream('A')).endedAt !== null);
  const ended = await rig.cli.run(['hook', 'stop'], {
    env: { ORCHESTRATE_TOKEN: worker.env['ORCHESTRATE_TOKEN'] },
  });
  assert.equal(ended.stdout, '');
  assert.match(ended.stderr, /Run 1 of stream A has ended/);
  const unknown = await rig.cli.run(['hook', 'stop'], { env: { ORCHESTRATE_TOKEN: 'stolen' } });
  assert.equal(unknown.stdout, '');
});
