/** Codex and opencode under the poller, by workers that write what the real programs write: at work, at rest, verified, ended. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openProject } from '../../src/app/project.ts';
import { until } from '../support/wait.ts';
import type { Worker } from '../support/worker-desk.ts';
import { createProjectRig, type ProjectRig, steeredAgent } from '../support/worker-rig.ts';

const SESSION = '0199a1b2-c3d4-7e5f-8a9b-0123456789ab';

/** Codex's record of a worker's session, as it grows. */
function beginRollout(rig: ProjectRig, { cwd }: Worker): (type: string, payload: object) => void {
  const now = new Date().toISOString();
  const directory = join(rig.cli.home, '.codex', 'sessions', ...now.slice(0, 10).split('-'));
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `rollout-${now.slice(0, 19).replaceAll(':', '-')}-${SESSION}.jsonl`);
  const line = (type: string, payload: object): string =>
    `${JSON.stringify({ timestamp: new Date().toISOString(), type, payload })}\n`;
  writeFileSync(file, line('session_meta', { id: SESSION, cwd }));
  return (type, payload) => appendFileSync(file, line(type, payload));
}

/** The program that Codex was told to call at the end of each turn. */
function noticeOf({ argv }: Worker): string[] {
  const setting = argv.find((each) => each.startsWith('notify='));
  assert.ok(setting, argv.join(' '));
  return JSON.parse(setting.slice('notify='.length)) as string[];
}

test('codex: its rollout tells that it works and that it rests; then its stream is verified and it is ended', async () => {
  await using rig = await createProjectRig({ plan: { A: [] }, agent: 'codex' });
  const first = rig.start();
  const worker = await rig.nextWorker('A');
  const record = beginRollout(rig, worker);
  record('event_msg', { type: 'task_started' });
  const content = [{ type: 'output_text', text: 'I have begun.' }];
  record('response_item', { type: 'message', role: 'assistant', content });
  await rig.until('its session is known', ({ streams }) => streams[0]?.sessionId === SESSION);
  // Whatever the configuration says by now, a run is read as the agent that made it writes.
  await first.kill();
  rig.configure({ agent: steeredAgent(rig.desk) });
  const poller = rig.start();
  await worker.commit('a.txt');
  await worker.completeTasks();
  assert.equal((await rig.stream('A')).state, 'running', 'all is done, but its turn is not over');
  record('event_msg', { type: 'task_complete' });
  const [shell, script] = noticeOf(worker);
  await worker.sh('"$1" "$2" "{}"', shell ?? '', script ?? '');
  await rig.untilState('A', 'done');
  await worker.end();
  assert.equal((await poller.end()).code, 0, poller.output());
  const { stdout } = await rig.run(['logs', 'A']);
  assert.match(stdout, /I have begun\./);
});

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
  const tellAll = (events: readonly (readonly [type: string, properties: object])[]) =>
    worker.sh(
      '"$1" --input-type=module -e "$2" "$3"',
      process.execPath,
      TELL,
      JSON.stringify(events.map(([type, more]) => ({ type, properties: { sessionID: 'ses_1', ...more } }))),
    );
  const tell = (type: string, properties: object) => tellAll([[type, properties]]);
  assert.equal((await rig.stream('A')).sessionId, null, 'it chooses its session itself');
  await tell('session.status', { status: { type: 'busy' } });
  await rig.until('its session is known', ({ streams }) => streams[0]?.sessionId === 'ses_1');
  await worker.commit('a.txt');
  await worker.completeTasks();
  assert.equal((await rig.stream('A')).state, 'running', 'all is done, but its turn is not over');
  const error = { name: 'MessageAbortedError', data: { message: 'Aborted' } };
  await tellAll([
    ['session.status', { status: { type: 'busy' } }],
    ['session.error', { error }],
    ['session.idle', {}],
  ]);
  assert.match((await rig.untilState('A', 'needs-input')).reason ?? '', /^interrupted by you/);
  await tell('session.status', { status: { type: 'busy' } });
  await tell('session.idle', {});
  await rig.untilState('A', 'done');
  await worker.end();
  assert.equal((await poller.end()).code, 0, poller.output());
});

test('codex: an agent that is set to work again while its work is checked is not taken for done', async () => {
  const gates = [{ name: 'slow', command: 'touch ../../asked; until [ -e ../../go ]; do sleep 0.05; done' }];
  await using rig = await createProjectRig({
    plan: { A: [] },
    agent: 'codex',
    config: { gates, pollSeconds: 1 },
  });
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  const record = beginRollout(rig, worker);
  record('event_msg', { type: 'task_started' });
  await worker.commit('a.txt');
  await worker.completeTasks();
  record('event_msg', { type: 'task_complete' });
  await until('its gate runs', () => existsSync(join(rig.root, '.claude', 'asked')));
  // The user has typed one thing more.
  record('event_msg', { type: 'task_started' });
  await rig.untilState('A', 'running');
  writeFileSync(join(rig.root, '.claude', 'go'), '');
  await rig.until('the check has ended', ({ events }) => events.some(({ kind }) => kind === 'not-verified'));
  const last = await worker.commit('b.txt');
  record('event_msg', { type: 'task_complete' });
  assert.equal((await rig.untilState('A', 'done')).verifiedSha, last);
  await worker.end();
  assert.equal((await poller.end()).code, 0, poller.output());
});

test('codex: what an earlier run left in its session is no rest of the run that goes on with it', async () => {
  await using rig = await createProjectRig({ plan: { A: [] }, agent: 'codex', config: { pollSeconds: 1 } });
  const poller = rig.start();
  const first = await rig.nextWorker('A');
  const record = beginRollout(rig, first);
  record('event_msg', { type: 'task_started' });
  await rig.until('its session is known', ({ streams }) => streams[0]?.sessionId === SESSION);
  record('event_msg', { type: 'task_complete' });
  first.exit(1);
  const worker = await rig.nextWorker('A');
  assert.ok(worker.argv.includes('resume'), worker.argv.join(' '));
  await rig.until('it is seen', ({ streams }) => streams[0]?.pid === worker.pid);
  assert.equal((await rig.stream('A')).state, 'starting');
  await worker.commit('a.txt');
  await worker.completeTasks();
  record('event_msg', { type: 'task_started' });
  await rig.untilState('A', 'running');
  record('event_msg', { type: 'task_complete' });
  await rig.untilState('A', 'done');
  await worker.end();
  assert.equal((await poller.end()).code, 0, poller.output());
});

test('codex: it is found in the directory in which it starts, however much it writes in a turn', async () => {
  await using rig = await createProjectRig({ plan: { A: [] }, agent: 'codex', config: { pollSeconds: 1 } });
  const { config } = openProject({ cwd: rig.root, env: rig.cli.env });
  rig.configure({ agent: { ...config().agent, cwd: 'packages' } });
  mkdirSync(join(rig.root, 'packages'));
  writeFileSync(join(rig.root, 'packages', 'x'), '');
  rig.cli.git('add', 'packages');
  rig.cli.git('commit', '-q', '-m', 'Packages');
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  assert.match(worker.cwd, /packages$/);
  const record = beginRollout(rig, worker);
  record('event_msg', { type: 'task_started' });
  record('response_item', { type: 'function_call_output', output: 'x'.repeat(300_000) });
  await rig.untilState('A', 'running');
  await worker.print('Would you like to run the following command?\n\n  $ npm publish\n\n');
  await worker.print('Press enter to confirm or esc to cancel\n');
  const { reason } = await rig.untilState('A', 'needs-input');
  assert.match(reason ?? '', /^wants to run: npm publish \(read off its screen\)$/);
  const { stderr } = await rig.run(['send', 'A', 'yes'], 5);
  assert.match(stderr, /is showing a permission prompt/);
  await poller.kill();
});
