/** `retry` of a stream whose agent lives: what becomes of it, of its work and of the attempts. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createProjectRig, statesOf } from '../support/worker-rig.ts';

test('an agent at work is let be; for a new conversation it is ended, its work kept, and no attempt burnt', async () => {
  await using rig = await createProjectRig({ plan: { A: [] }, config: { restart: { maxAttempts: 1 } } });
  rig.start();
  const first = await rig.nextWorker('A');
  await rig.untilState('A', 'running');
  assert.match(
    (await rig.run(['retry', 'A'])).stdout,
    /^A is running: nothing to retry \(--fresh restarts it\)\n/,
  );
  assert.ok(existsSync(`/proc/${first.pid}`), 'an agent at work is let be');
  const told = async () => (await rig.run(['events'])).stdout.match(/to be tried again.*/g) ?? [];
  assert.deepEqual(await told(), [], 'nothing is tried, and nothing is said to be');
  await first.sh('echo half > half.txt');
  const fresh = await rig.run(['retry', 'A', '--fresh']);
  assert.match(fresh.stdout, /^Ended run 1 of A; it starts as soon as it can/);
  await first.end();
  const second = await rig.nextWorker('A');
  assert.deepEqual([second.run, second.cwd], [2, first.cwd]);
  assert.ok(existsSync(join(second.cwd, 'half.txt')), 'its work is kept');
  assert.deepEqual(statesOf(await rig.look()), { A: 'running' });
  assert.equal((await told())[0], 'to be tried again, in a new conversation');
});

test('an end by retry that the poller sees before it is written down is forgiven all the same', async () => {
  await using rig = await createProjectRig({ plan: { A: [] }, config: { restart: { maxAttempts: 1 } } });
  rig.start();
  const first = await rig.nextWorker('A');
  await rig.untilState('A', 'running');
  // Once the agent is gone, the command waits at its next call of tmux until it is let go on.
  const [slow, go] = [join(rig.cli.home, 'slow'), join(rig.cli.home, 'go')];
  mkdirSync(slow);
  const wait = `kill -0 ${first.pid} 2>/dev/null || until [ -e '${go}' ] || [ ! -d '${slow}' ]; do sleep 0.05; done`;
  rig.cli.write(join(slow, 'tmux'), `#!/bin/sh\n${wait}\nPATH=\${PATH#*:} exec tmux "$@"\n`);
  chmodSync(join(slow, 'tmux'), 0o755);
  const env = { ...rig.cli.env, PATH: `${slow}:${rig.cli.env['PATH']}` };
  const retried = rig.run(['retry', 'A', '--fresh'], 0, { env });
  await first.end();
  assert.equal((await rig.nextWorker('A')).run, 2);
  rig.cli.write(go, '');
  assert.match((await retried).stdout, /^Ended run 1 of A/);
  await rig.untilState('A', 'running');
});
