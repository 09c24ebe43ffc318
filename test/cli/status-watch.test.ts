/** `status --watch` where there is no live summary: as JSON, and of one stream; and all events that are kept. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { createCliRig } from '../support/cli-rig.ts';
import { createLandingWorld } from '../support/landing-world.ts';

const PLAN = {
  initiative: { id: 'i1', title: 'First' },
  streams: [{ id: 'A', tasks: [{ title: 'One' }] }],
};

test('status --watch prints one look after another, until it is ended', async () => {
  await using rig = await createCliRig();
  await rig.run(['import', '-'], { input: JSON.stringify(PLAN) });
  const first = async (count: number, ...args: string[]) => {
    const child = rig.start(['status', ...args]);
    assert.ok(child.stdout);
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (lines.length === count) child.kill('SIGTERM');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return lines;
  };
  const reports = (await first(2, '--watch', '0.1', '--json')).map((line) => JSON.parse(line));
  assert.deepEqual(
    reports.slice(0, 2).map(({ streams }) => streams[0].id),
    ['A', 'A'],
  );
  assert.notEqual(reports[0].at, reports[1].at);
  const text = await first(12, 'A', '--watch', '0.1');
  assert.ok(text.filter((line) => line.includes('A  ready')).length >= 2, text.join('\n'));
  assert.equal((await rig.run(['status', 'A', '--watch=soon'])).code, 2);
});

test('status --events has every event of the plan that is kept, not only the last few', async () => {
  await using world = await createLandingWorld({ A: [] });
  const { ports, rig } = world;
  for (let at = 1; at <= 250; at += 1)
    ports.state.addEvent({ atMs: at, key: null, run: null, kind: 'warning', message: `it is ${at}, is it` });
  const { stdout } = await rig.run(['status', '--events']);
  assert.equal(stdout.match(/it is \d+, is it$/gm)?.length, 250);
  assert.match(stdout, /^1970-01-01 \d\d:\d\d +it is 1, is it$/m, 'with its day, where that is not today');
  const eventsOf = async (...args: string[]) =>
    (JSON.parse((await rig.run(['status', '--json', ...args])).stdout) as { events: unknown[] }).events
      .length;
  assert.deepEqual([await eventsOf(), await eventsOf('--events')], [30, 250]);
  for (let at = 1; at <= 50; at += 1)
    ports.state.addEvent({ atMs: at, key: 'a', run: null, kind: 'warning', message: `of A, the ${at}th` });
  assert.deepEqual([await eventsOf('A'), await eventsOf('A', '--events')], [20, 50], 'of one stream too');
});
