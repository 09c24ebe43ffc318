/** The commands that a sweep harms, each in a project where it has something to do, and what must hold once it was run again. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type CliRig, createCliRig, type Ended } from '../../test/support/cli-rig.ts';
import { createLandingWorld } from '../../test/support/landing-world.ts';
import type { Worker } from '../../test/support/worker-desk.ts';
import { createProjectRig, type ProjectRig, planFile, statesOf } from '../../test/support/worker-rig.ts';
import { assertKept, assertSameFiles, assertStatusAgrees, contentsOf, untilNobodyIsLeft } from './oracle.ts';

type Environment = Readonly<Record<string, string>>;

/** A project in which one command is about to be run. */
export type Scene = AsyncDisposable & {
  /** The private directory around everything. */
  readonly home: string;
  /** Runs the command, harmed by what `env` holds. A poller that holds on to its work for long is asked to end. */
  act(env: Environment): Promise<Ended>;
  /** Runs it again, unharmed, and fails unless everything is as if it had been run once. */
  settle(): Promise<void>;
};

export type Verb = {
  /** The first word after `orchestrate`. */
  readonly name: string;
  make(tools: readonly string[]): Promise<Scene>;
};

/** How long a poller that goes on in spite of harm is let be. */
const PATIENCE_MS = 15_000;

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

/** Ends a poller that goes on for long, and resolves to how it ended. */
async function endedOrAsked(rig: ProjectRig, env: Environment): Promise<Ended> {
  const poller = rig.start([], { env });
  const ended = poller.end();
  const asked = pause(PATIENCE_MS, null, { ref: false }).then(() => poller.child.kill('SIGTERM'));
  const how = await Promise.race([ended, asked.then(() => ended)]);
  return how;
}

/** Workers that leave a commit and an ignored file each; what they made is noted. `onTrouble`: one that could not do its work. */
export function workEach(
  rig: ProjectRig,
  onTrouble?: (worker: Worker) => void,
): { readonly commits: string[]; readonly files: string[] } {
  const made = { commits: [] as string[], files: [] as string[] };
  const work = async (worker: Worker): Promise<void> => {
    // What one before it could not finish.
    if (onTrouble !== undefined) await worker.sh('git add --all && git commit --quiet -m "Go on" || true');
    made.commits.push(await worker.commit(`${worker.stream}-${worker.run}.txt`));
    await worker.sh(`echo "$1" > "kept-$2.ign"`, worker.stream, String(worker.run));
    made.files.push(join(worker.cwd, `kept-${worker.run}.ign`));
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  };
  rig.onWorker((worker) =>
    work(worker).catch((error: unknown) => {
      if (onTrouble === undefined) throw error;
      onTrouble(worker);
    }),
  );
  return made;
}

/** A project whose git ignores `*.ign`. */
export async function projectWithIgnored(
  plan: Readonly<Record<string, readonly string[]>>,
  tools: readonly string[],
  config: object = {},
): Promise<ProjectRig> {
  const rig = await createProjectRig({ plan, tools, config });
  rig.cli.write('.gitignore', '*.ign\n');
  rig.cli.git('add', '.gitignore');
  rig.cli.git('commit', '--quiet', '--message=Ignore');
  return rig;
}

const start: Verb = {
  name: 'start',
  async make(tools) {
    const rig = await projectWithIgnored({ A: [], B: [], C: ['A', 'B'] }, tools);
    const made = workEach(rig);
    return {
      home: rig.cli.home,
      act: (env) => endedOrAsked(rig, env),
      async settle() {
        let ended = await rig.start().end();
        // Where no room was left three times, a stream has failed, and waits for what its remedy says.
        const failed = (await rig.status()).streams.filter(({ state }) => state === 'failed');
        for (const { id } of failed) await rig.run(['retry', id]);
        if (failed.length > 0) ended = await rig.start().end();
        assert.equal(ended.code, 0, `${ended.stdout}${ended.stderr}`);
        const report = await assertStatusAgrees(rig);
        assert.deepEqual(statesOf(report), { A: 'done', B: 'done', C: 'done' });
        assertKept(rig, made.commits);
        for (const file of made.files) assert.ok(existsSync(file), `${file} is lost`);
        await untilNobodyIsLeft(rig);
        assert.equal(rig.cli.git('worktree', 'list').split('\n').length, 4);
      },
      [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
    };
  },
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
      },
      [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
    };
  },
};

/** A landing world with streams that are done: A, B on top of it, and C. */
async function landingScene(
  tools: readonly string[],
  prepare: (world: World) => Promise<void>,
  scene: (world: World, made: readonly string[]) => Omit<Scene, 'home' | typeof Symbol.asyncDispose>,
): Promise<Scene> {
  const world = await createLandingWorld({ A: [], B: ['A'], C: [] }, { tools });
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

const sync: Verb = {
  name: 'sync',
  make: (tools) => {
    let moved = '';
    return landingScene(
      tools,
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

const merge: Verb = {
  name: 'merge',
  make: (tools) =>
    landingScene(
      tools,
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

const clean: Verb = {
  name: 'clean',
  make: (tools) =>
    landingScene(
      tools,
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

export const VERBS: readonly Verb[] = [init, importing, start, stop, sync, merge, clean];
