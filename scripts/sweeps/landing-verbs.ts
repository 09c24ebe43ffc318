/** The commands that bring finished work home, as a sweep harms them, and what must hold once each was run again. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLandingWorld } from '../../test/support/landing-world.ts';
import { statesOf } from '../../test/support/worker-rig.ts';
import { assertKept, assertStatusAgrees } from './oracle.ts';
import type { Scene, Verb } from './scenes.ts';

/** A landing world with streams that are done: A, B on top of it, and C. */
async function landingScene(
  tools: readonly string[],
  config: object,
  prepare: (world: World) => Promise<void>,
  scene: (world: World, made: readonly string[]) => Omit<Scene, 'home' | typeof Symbol.asyncDispose>,
): Promise<Scene> {
  const world = await createLandingWorld({ A: [], B: ['A'], C: [] }, { tools, config });
  const made: string[] = [];
  world.rig.cli.write('.gitignore', '*.ign\n');
  world.git(['add', '.gitignore']);
  world.git(['commit', '--quiet', '-m', 'Ignore']);
  for (const id of ['A', 'B', 'C'])
    made.push(await world.finish(id, (at) => writeFileSync(join(at, `${id}.txt`), `${id}\n`)));
  await prepare(world);
  return {
    home: world.rig.cli.home,
    ...scene(world, made),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}
type World = Awaited<ReturnType<typeof createLandingWorld>>;

/** A stream that is done has had an agent. */
function noteRun({ keyOf, ports }: World, id: string): void {
  const key = keyOf(id);
  const verified = ports.state.allRecords().readable.get(key)?.verified;
  assert.ok(verified);
  const run = { key, number: 1, agentKind: 'custom', startedAtMs: 1, bootId: 'b', sessionId: null } as const;
  assert.ok(ports.state.openRun({ ...run, baseSha: verified.sha, tokenHash: key }));
  ports.state.endRun(key, 1, { endedAtMs: 2, outcome: 'done' });
  ports.state.patchStream(key, { verified: { ...verified, run: 1 } });
}

export const sync: Verb = {
  name: 'sync',
  make: (tools) => {
    let moved = '';
    return landingScene(
      tools,
      {},
      async (world) => {
        moved = await world.finish('A', (at) => writeFileSync(join(at, 'A.txt'), 'moved\n'));
        for (const id of ['A', 'B', 'C']) noteRun(world, id);
      },
      ({ rig, git }, made) => ({
        act: (env) => rig.cli.run(['sync'], { env }),
        async settle() {
          const { code, stdout, stderr } = await rig.cli.run(['sync']);
          assert.equal(code, 0, `${stdout}${stderr}`);
          // One that was killed between the merge and its check leaves that to the next start, as status says.
          const started = await rig.start().end();
          assert.equal(started.code, 0, `${started.stdout}${started.stderr}`);
          git(['merge-base', '--is-ancestor', moved, 'orchestrate/b']);
          const merges = git(['rev-list', '--count', '--merges', 'main..orchestrate/b']);
          assert.equal(merges, '1', 'merged once');
          const report = await assertStatusAgrees(rig);
          assert.deepEqual(statesOf(report), { A: 'done', B: 'done', C: 'done' });
          assert.ok(report.streams.every(({ stale }) => !stale));
          assertKept(rig, made);
        },
      }),
    );
  },
};

/** Main holds the work of each stream, and each once. */
function assertLandedOnce({ git, rig }: World, made: readonly string[]): void {
  for (const id of ['A', 'B', 'C']) {
    assert.equal(git(['show', `main:${id}.txt`]), id);
    assert.equal(git(['log', '--format=%H', '--no-merges', 'main', '--', `${id}.txt`]).split('\n').length, 1);
  }
  const landings = git(['log', '--first-parent', '--format=%s', 'main'])
    .split('\n')
    .filter((each) => /Work of/.test(each));
  assert.equal(new Set(landings).size, landings.length, `landed twice: ${landings.join('; ')}`);
  assertKept(rig, made);
  assert.equal(git(['for-each-ref', 'refs/orchestrate/landing']), '', 'no line is left');
  const changed = git(['status', '--porcelain', '--', '.', ':!.claude', ':!watch-status']);
  assert.equal(changed, '?? dirty.txt', 'the checkout is as main, beside what is not committed');
  assert.equal(readFileSync(join(rig.root, 'dirty.txt'), 'utf8'), 'mine\n');
}

export const merge: Verb = {
  name: 'merge',
  make: (tools) =>
    landingScene(
      tools,
      { gates: [{ name: 'whole', command: 'ls *.txt && git diff --quiet HEAD' }] },
      async ({ rig }) => rig.cli.write('dirty.txt', 'mine\n'),
      (world, made) => ({
        act: (env) => world.rig.cli.run(['merge'], { env }),
        async settle() {
          const { code, stdout, stderr } = await world.rig.cli.run(['merge']);
          assert.equal(code, 0, `${stdout}${stderr}`);
          assertLandedOnce(world, made);
          const report = await assertStatusAgrees(world.rig);
          assert.ok(report.streams.every(({ landed }) => landed));
        },
      }),
    ),
};

export const clean: Verb = {
  name: 'clean',
  make: (tools) =>
    landingScene(
      tools,
      {},
      async (world) => {
        world.rig.cli.write('dirty.txt', 'mine\n');
        const { code, stderr } = await world.merge();
        assert.equal(code, 0, stderr);
        writeFileSync(join(world.worktreeOf('C'), 'precious.ign'), 'precious\n');
      },
      (world, made) => ({
        act: (env) => world.rig.cli.run(['clean'], { env }),
        async settle() {
          const { rig } = world;
          const { code, stdout, stderr } = await rig.cli.run(['clean']);
          assert.equal(code, 0, `${stdout}${stderr}`);
          for (const id of ['A', 'B']) {
            assert.equal(existsSync(world.worktreeOf(id)), false, `the worktree of ${id} is left: ${stdout}`);
            assert.equal(
              world.tryGit(['rev-parse', '--verify', '--quiet', `orchestrate/${id.toLowerCase()}`]),
              false,
              `the branch of ${id} is left: ${stdout}`,
            );
          }
          const precious = join(world.worktreeOf('C'), 'precious.ign');
          assert.equal(readFileSync(precious, 'utf8'), 'precious\n');
          assert.equal(world.git(['status', '--porcelain'], world.worktreeOf('C')), '');
          assertLandedOnce(world, made);
          rmSync(precious);
          const last = await rig.cli.run(['clean', 'C']);
          assert.equal(last.code, 0, last.stderr);
          assert.equal(world.git(['worktree', 'list']).split('\n').length, 1);
        },
      }),
    ),
};
