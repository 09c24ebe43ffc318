/** `logs` of a worker in a real pane: readable, harmless, live, by run, raw; and the same on disk. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { openStateStore } from '../../src/state/state-store.ts';
import { createSlowTool } from '../support/shim.ts';
import { until } from '../support/wait.ts';
import { createProjectRig, textAt } from '../support/worker-rig.ts';

const HOSTILE = '\u001b[31mred\u001b[0m \u001b]0;title\u0007text\u009b2J \u202eback\u0007';
const DISK = '.claude/orchestrator/logs/a.log';

/** The lines without their times. */
const told = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !/^\d{4}-\d\d-\d\d$/.test(line))
    .map((line) => line.replace(/^(?:\d{4}-\d\d-\d\d )?(?:\d\d:\d\d:\d\d| +) {2}/, ''));

test('a log tells output and events of all runs, harmlessly, the last lines, one run, live, raw, and is on disk', async () => {
  await using rig = await createProjectRig();
  const poller = rig.start();
  const first = await rig.nextWorker('A');
  await first.print(`${HOSTILE}\n`);
  await until('the output is logged', () => textAt(rig, DISK).includes('red text'));
  first.exit(3);
  const second = await rig.nextWorker('A');
  await second.print('second run\n');
  await until('the second run is logged', () => textAt(rig, DISK).includes('second run'));

  const whole = (await rig.run(['logs', 'A'])).stdout;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
  assert.doesNotMatch(whole, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  const lines = told(whole);
  const order = [
    '-- started (run 1)',
    'worker of A is ready',
    'red text back',
    '-- run 1 failed: agent ended (exit 3)',
    '-- started again (run 2)',
  ];
  const places = order.map((text) => lines.findIndex((line) => line.startsWith(text)));
  assert.ok(
    places.every((place) => place >= 0),
    `${order[places.indexOf(-1)]} is missing in\n${whole}`,
  );
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
    whole,
  );
  assert.match(whole, /^\d{4}-\d\d-\d\d\n\d\d:\d\d:\d\d {2}-- started \(run 1\)$/m);
  await until(
    'the same is on disk',
    () => told(textAt(rig, DISK)).toSorted().join('\n') === lines.toSorted().join('\n'),
  ).catch(() => assert.deepEqual(told(textAt(rig, DISK)).toSorted(), lines.toSorted()));
  assert.equal(statSync(join(rig.root, DISK)).mode & 0o777, 0o600);

  assert.deepEqual(told((await rig.run(['logs', 'A', '-n', '1'])).stdout), lines.slice(-1));
  assert.equal((await rig.run(['logs', 'A', '-n', '0'])).stdout, '');
  const one = (await rig.run(['logs', 'A', '--run', '1'])).stdout;
  assert.ok(one.includes('red text back') && !one.includes('second run'));
  assert.match((await rig.run(['logs', 'A', '--run', '9'], 6)).stderr, /A has no run 9/);
  const raw = (await rig.run(['logs', 'A', '--run', '1', '--raw'])).stdout;
  assert.ok(raw.includes('\u001b[31mred\u001b[0m'), 'the very bytes');
  const pane = join(rig.root, '.claude/orchestrator/runs/a-1/pane.log');
  const bytes = Buffer.concat([
    Buffer.from('é'.repeat(40_000)),
    Buffer.from([0xff]),
    Buffer.from('é'.repeat(40_000)),
  ]);
  writeFileSync(pane, bytes);
  const printed = execFileSync(process.execPath, [CLI_ENTRY, 'logs', 'A', '--run', '1', '--raw'], {
    cwd: rig.root,
    env: rig.cli.env,
  });
  assert.ok(printed.equals(bytes), 'all of them, wherever they are read in parts');
  rmSync(pane);
  assert.match(
    (await rig.run(['logs', 'A', '--run', '1', '--raw'], 6)).stderr,
    /what run 1 of A wrote to its window was not kept\n {2}fix: orchestrate logs A\n/,
  );

  const state = openStateStore(join(rig.root, '.claude/orchestrator/state.db'));
  for (let n = 1; n <= 300; n += 1)
    state.addEvent({ atMs: Date.now(), key: 'a', run: null, kind: 'operator', message: `number ${n}` });
  const path = join(rig.root, 'x.log');
  state.addEvent({ atMs: Date.now(), key: 'a', run: null, kind: 'operator', message: `log: ${path}` });
  state.close();
  assert.match((await rig.run(['logs', 'A', '-n', '1'])).stdout, /-- log: x\.log\n$/, 'paths are short');
  const many = told((await rig.run(['logs', 'A', '-n', '1000'])).stdout);
  assert.equal(many.filter((line) => /^-- number \d+$/.test(line)).length, 300);

  const live = rig.cli.start(['logs', 'A', '-f', '-n', '1']);
  let seen = '';
  live.stdout?.on('data', (chunk) => {
    seen += String(chunk);
  });
  await until('what was there', () => told(seen).length > 0);
  await second.print('just now\n');
  await until('what comes', () => seen.includes('just now'));
  live.kill('SIGINT');
  await poller.kill('SIGINT');
});

test('what an agent prints stands where it came, among what happened', async () => {
  await using rig = await createProjectRig();
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  await worker.print('first words\n');
  await until('they are logged', () => textAt(rig, DISK).includes('first words'));
  await rig.untilState('A', 'running');
  await rig.run(['send', 'A', 'hello']);
  await worker.print('last words\n');
  await until('they are logged', () => textAt(rig, DISK).includes('last words'));
  assert.match(
    (await rig.run(['logs', 'A'])).stdout,
    /first words[\s\S]*-- you wrote: hello[\s\S]*last words/,
  );
  const [data = ''] = (await rig.run(['logs', 'A', '-n', '1', '--json'])).stdout.split('\n');
  const { schemaVersion, at, text } = JSON.parse(data);
  assert.deepEqual([schemaVersion, text, Number.isNaN(Date.parse(at))], [1, 'last words', false]);
  await poller.kill('SIGINT');
});

test('what an agent prints while tmux has not answered yet stands after its start', async () => {
  using slow = createSlowTool('tmux', 'new-window', 'answered');
  await using rig = await createProjectRig({ tools: [slow.directory] });
  const poller = rig.start();
  await rig.nextWorker('A');
  await until('both are logged', () => {
    const text = textAt(rig, DISK);
    return text.includes('started (run 1)') && text.includes('worker of A is ready');
  });
  assert.match((await rig.run(['logs', 'A'])).stdout, /-- started \(run 1\)[\s\S]*worker of A is ready/);
  await poller.kill('SIGINT');
});

test('a stream that never ran has no log, and says so', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  const poller = rig.start();
  await rig.nextWorker('A');
  assert.match((await rig.run(['logs', 'B'], 6)).stderr, /B has not run yet\n {2}fix: orchestrate status B/);
  assert.match((await rig.run(['logs', 'B', '--raw'], 6)).stderr, /B has not run yet/);
  await poller.kill('SIGINT');
});
