/** `status --watch` where there is no live summary: as JSON, and of one stream. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { createCliRig } from '../support/cli-rig.ts';

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
