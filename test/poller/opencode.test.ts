/** opencode under the poller, by a worker that tells its plugin what the real program tells it: at work, at rest, verified, ended. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProjectRig } from '../support/worker-rig.ts';

/** Hands events to the plugin that opencode was told to load. */
const TELL = `
const [plugin] = JSON.parse(process.env.OPENCODE_CONFIG_CONTENT).plugin;
const { event } = await (await import(plugin)).Report();
for (const each of JSON.parse(process.argv[1])) await event({ event: each });
`;

test('opencode: its plugin tells that it works and that it rests; then its stream is verified and it is ended', async () => {
  await using rig = await createProjectRig({ plan: { A: [] }, agent: 'opencode' });
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  const tell = (type: string, properties: object) =>
    worker.sh(
      '"$1" --input-type=module -e "$2" "$3"',
      process.execPath,
      TELL,
      JSON.stringify([{ type, properties: { sessionID: 'ses_1', ...properties } }]),
    );
  await tell('session.status', { status: { type: 'busy' } });
  await rig.until('its session is known', ({ streams }) => streams[0]?.sessionId === 'ses_1');
  await worker.commit('a.txt');
  await worker.completeTasks();
  assert.equal((await rig.stream('A')).state, 'running', 'all is done, but its turn is not over');
  await tell('session.idle', {});
  await rig.untilState('A', 'done');
  await worker.end();
  assert.equal((await poller.end()).code, 0, poller.output());
});
