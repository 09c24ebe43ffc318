/** The commands that a sweep harms, and what must hold once each was run again. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive } from '../../test/support/alive.ts';
import { type CliRig, createCliRig, type Ended } from '../../test/support/cli-rig.ts';
import { createProjectRig, type ProjectRig, planFile, statesOf } from '../../test/support/worker-rig.ts';
import { clean, merge, sync } from './landing-verbs.ts';
import { assertKept, assertSameFiles, assertStatusAgrees, contentsOf, untilNobodyIsLeft } from './oracle.ts';
import { type Environment, projectWithIgnored, type Scene, type Verb, workEach } from './scenes.ts';

/** How long a poller that goes on in spite of harm is let be. */
const PATIENCE_MS = 5_000;

const INIT_LEFT_OUT = /^(\.git\/(?!info(\/exclude)?$)|.*\.db(-wal|-shm)?$|.*\/\.init\.json$)/;

/** What an init that nobody disturbed leaves. */
let undisturbed: Record<string, string> | null = null;

/** The files of a project, but for git's own, as they would be in any directory. */
function filesOf(cli: CliRig): Record<string, string> {
  return contentsOf(cli.root, INIT_LEFT_OUT, (text) => text.replaceAll(cli.home, 'HOME'));
}

const init: Verb = {
  name: 'init',
  async make(tools) {
    const cli = await createCliRig({ tools });
    const command = ['init', '--yes'];
    const before = filesOf(cli);
    return {
      home: cli.home,
      act: (env) => cli.run(command, { env }),
      async settle() {
        const { code, stderr } = await cli.run(command);
        assert.equal(code, 0, stderr);
        undisturbed ??= await undisturbedInit();
        assertSameFiles(filesOf(cli), undisturbed);
        const removed = await cli.run(['init', '--remove']);
        assert.equal(removed.code, 0, removed.stderr);
        assertSameFiles(filesOf(cli), before);
      },
      [Symbol.asyncDispose]: () => cli[Symbol.asyncDispose](),
    };
  },
};

async function undisturbedInit(): Promise<Record<string, string>> {
  await using cli = await createCliRig();
  const { code, stderr } = await cli.run(['init', '--yes']);
  assert.equal(code, 0, stderr);
  return filesOf(cli);
}

const importing: Verb = {
  name: 'import',
  async make(tools) {
    const rig = await createProjectRig({ plan: { Old: [] }, tools });
    const plan = { ...planFile({ X: [], Y: ['X'] }), initiative: { id: 'init-2', title: 'Next' } };
    writeFileSync(join(rig.root, 'plan.json'), JSON.stringify(plan));
    const command = ['import', 'plan.json'];
    return {
      home: rig.cli.home,
      act: (env) => rig.cli.run(command, { env }),
      async settle() {
        // What was imported before it was harmed is refused the second time.
        const { code, stderr } = await rig.cli.run(command);
        assert.ok(code === 0 || code === 7, stderr);
        const { streams, problems } = JSON.parse((await rig.run(['plan', '--json'])).stdout);
        assert.deepEqual(problems, []);
        assert.deepEqual(
          streams.map(({ id, tasks }: { id: string; tasks: { total: number } }) => [id, tasks.total]),
          [
            ['X', 1],
            ['Y', 1],
          ],
        );
        assert.equal(rig.store.listTasks({ stream: 'X' }).length, 1, 'imported once');
      },
      [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
    };
  },
};

/** Starts a poller and resolves to how it ended; one that goes on for long after it was harmed is asked to. */
async function endedOrAsked(rig: ProjectRig, env: Environment, harmed: () => boolean): Promise<Ended> {
  const poller = rig.start([], { env });
  let over = false;
  const ended = poller.end().finally(() => {
    over = true;
  });
  void (async () => {
    while (!over && !harmed()) await pause(50);
    await pause(PATIENCE_MS, null, { ref: false });
    if (!over) poller.child.kill('SIGTERM');
  })();
  const how = await ended;
  // Asked just when it had told its end by itself, it listens no more, and ends as its exit code would have said.
  const hadEnded = how.signal === 'SIGTERM' && /^Wave 1$/m.test(how.stdout);
  return hadEnded ? { ...how, code: 143, signal: null } : how;
}

/** A start that works through `plan`, in which each worktree is set up and each work is judged by a gate. */
async function startScene(
  plan: Readonly<Record<string, readonly string[]>>,
  tools: readonly string[],
): Promise<Scene> {
  const rig = await projectWithIgnored(plan, tools, {
    worktree: { setup: ['echo made > made.ign'] },
    gates: [{ name: 'whole', command: 'test -f made.ign && git diff --quiet HEAD' }],
  });
  const made = workEach(rig);
  const streams = Object.keys(plan);
  return {
    home: rig.cli.home,
    act: (env, harmed = () => false) => endedOrAsked(rig, env, harmed),
    async settle() {
      let ended = await rig.start().end();
      // Where no room was left three times, a stream has failed, and waits for what its remedy says.
      const failed = (await rig.status()).streams.filter(({ state }) => state === 'failed');
      for (const { id } of failed) await rig.run(['retry', id]);
      if (failed.length > 0) ended = await rig.start().end();
      assert.equal(ended.code, 0, `${ended.stdout}${ended.stderr}`);
      const report = await assertStatusAgrees(rig);
      assert.deepEqual(statesOf(report), Object.fromEntries(streams.map((id) => [id, 'done'])));
      assertKept(rig, made.commits);
      for (const file of made.files) assert.ok(existsSync(file), `${file} is lost`);
      await untilNobodyIsLeft(rig);
      assert.equal(rig.cli.git('worktree', 'list').split('\n').length, 1 + streams.length);
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

/** C's worktree is made ahead of need. */
const start: Verb = {
  name: 'start',
  make: (tools) => startScene({ A: [], B: [], C: ['A', 'B'] }, tools),
};

/** So few calls that each can be harmed. */
const startOfOne: Verb = {
  name: 'start of one',
  command: 'start',
  make: (tools) => startScene({ A: [] }, tools),
};

const stop: Verb = {
  name: 'stop',
  async make(tools) {
    const rig = await projectWithIgnored({ A: [], B: [] }, tools);
    const poller = rig.start();
    const [a, b] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B')]);
    await a.ignoreSignals();
    await a.sh('echo half > half.txt');
    const commit = await b.commit('b.txt');
    const beside = ['new-session', '-d', '-P', '-F', '#{pane_pid}', '-s', 'theirs', 'sleep 1000'];
    const theirs = Number(rig.tmux(...beside));
    return {
      home: rig.cli.home,
      act: (env) => rig.cli.run(['stop'], { env }),
      async settle() {
        const { code, stderr } = await rig.cli.run(['stop']);
        assert.equal(code, 0, stderr);
        await poller.end();
        await untilNobodyIsLeft(rig);
        const report = await assertStatusAgrees(rig);
        assert.deepEqual(statesOf(report), { A: 'stopped', B: 'stopped' });
        assert.equal(readFileSync(join(a.cwd, 'half.txt'), 'utf8'), 'half\n');
        assertKept(rig, [commit]);
        assert.ok(isAlive(theirs), 'a session of others was ended');
      },
      [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
    };
  },
};

export const VERBS: readonly Verb[] = [init, importing, start, startOfOne, stop, sync, merge, clean];
