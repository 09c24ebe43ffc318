/** What a dry run says to type of a clash that nothing has run into yet does what it says. */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLandingWorld } from '../support/landing-world.ts';

test('a clash that only a dry run of merge or sync has named is given to its agent by the command named with it', async () => {
  await using world = await createLandingWorld({ A: [], B: [], C: ['A'] });
  const { rig } = world;
  const write = (file: string, text: string) => (directory: string) =>
    appendFileSync(join(directory, file), `${text}\n`);
  await world.finish('A', write('x.txt', 'a'));
  await world.finish('B', write('x.txt', 'b'));
  await world.finish('C', write('y.txt', 'c'));
  const moved = await world.finish('A', write('y.txt', 'a'));
  const given = (stream: string) =>
    world.ports.state.allRecords().readable.get(world.keyOf(stream))?.assignment;

  const sync = await rig.run(['sync', '--dry-run'], 1);
  assert.match(sync.stdout, /^C: does not merge: y\.txt\n {2}fix: orchestrate resolve C$/m);
  assert.match((await rig.run(['resolve', 'C'])).stdout, /The agent of C will merge its dependencies first/);
  assert.deepEqual(given('C')?.merges, [{ name: 'A', sha: moved }]);
  assert.deepEqual(given('C')?.files, ['y.txt']);

  const merge = await rig.run(['merge', '--dry-run'], 1);
  assert.match(merge.stdout, /! B {2}clashes with A in x\.txt\n +↳ orchestrate resolve B$/m);
  assert.match((await rig.run(['resolve', 'B'])).stdout, /The agent of B will merge main, A first/);
  assert.deepEqual(
    given('B')?.merges.map(({ name }) => name),
    ['main', 'A'],
  );
  assert.deepEqual(given('B')?.files, ['x.txt']);

  const none = await rig.run(['resolve', 'A'], 5);
  assert.match(none.stderr, /A clashes with nothing that is known/);
});
