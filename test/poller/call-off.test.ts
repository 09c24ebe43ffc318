/** What becomes of a worker that is called off before it began: its preparation may take minutes, and nothing may start after it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../support/wait.ts';
import { createProjectRig, type ProjectRig } from '../support/worker-rig.ts';

/** Setup that goes on until the test allows it to end. */
const HELD = {
  config: { worktree: { setup: ['while ! [ -e "$ORCHESTRATE_PROJECT/../go" ]; do sleep 0.05; done'] } },
};

const letGo = (rig: ProjectRig): void => writeFileSync(join(rig.cli.home, 'go'), '');

for (const verb of ['stop', 'park']) {
  test(`${verb} while the worktree is being set up: no worker starts afterwards`, async () => {
    await using rig = await createProjectRig({ plan: { A: [] }, ...HELD });
    const poller = rig.start();
    await rig.until('the setup runs', ({ events }) => events.some(({ kind }) => kind === 'setup'));
    await rig.run([verb, 'A']);
    letGo(rig);
    assert.equal((await poller.end()).code, 1, 'nothing is left to do');
    assert.deepEqual(rig.desk.starts(), []);
    await until('nobody is left', () => rig.marked().length === 0);
    assert.equal((await rig.stream('A')).state, verb === 'stop' ? 'stopped' : 'parked');

    rig.start(['A']);
    const worker = await rig.nextWorker('A');
    assert.equal(worker.run, 2);
    await rig.untilState('A', 'running');
    await rig.run(['stop']);
  });
}

test('a setup that fails after its stream was stopped burns no attempt', async () => {
  const setup = ['until [ -e "$ORCHESTRATE_PROJECT/../go" ]; do sleep 0.05; done; exit 3'];
  await using rig = await createProjectRig({ plan: { A: [] }, config: { worktree: { setup } } });
  const poller = rig.start();
  await rig.until('the setup runs', ({ events }) => events.some(({ kind }) => kind === 'setup'));
  await rig.run(['stop', 'A']);
  letGo(rig);
  await poller.end();
  const { events } = await rig.look();
  assert.ok(!events.some(({ kind }) => kind === 'launch-error'));
  assert.equal((await rig.stream('A')).state, 'stopped');
});

test('stop between the decision to launch and the run: no run is opened, and nothing is tried again', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: [], C: ['A', 'B'] } });
  const [held, go] = [join(rig.cli.home, 'held'), join(rig.cli.home, 'go')];
  const tools = join(rig.cli.home, 'slow-git');
  mkdirSync(tools);
  // The base of several dependencies is made before a run is opened.
  const git = execFileSync('sh', ['-c', 'command -v git'], { env: rig.cli.env, encoding: 'utf8' }).trim();
  writeFileSync(
    join(tools, 'git'),
    `#!/bin/sh\ncase " $* " in *' merge-tree '*) : > '${held}'; until [ -e '${go}' ] || [ ! -d '${tools}' ]; do sleep 0.05; done ;; esac\nexec '${git}' "$@"\n`,
  );
  chmodSync(join(tools, 'git'), 0o755);
  rig.onWorker(async (worker) => {
    await worker.commit(`${worker.stream}.txt`);
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  });
  const poller = rig.start([], { env: { PATH: `${tools}:${rig.cli.env['PATH']}` } });
  await until('the base of C is being made', () => existsSync(held));
  await rig.run(['stop', 'C']);
  writeFileSync(go, '');
  assert.equal((await poller.end()).code, 1);
  const { run, state } = await rig.stream('C');
  assert.deepEqual([state, run], ['stopped', null]);
  const { events } = await rig.look();
  const steps = events.filter(({ stream, kind }) => stream === 'C' && /launch|setup|end/.test(kind));
  assert.deepEqual(steps, []);
  assert.deepEqual(
    rig.desk
      .starts()
      .map(({ stream }) => stream)
      .sort(),
    ['A', 'B'],
  );
});
