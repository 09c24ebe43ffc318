/** What `merge` refuses, in one line, by which exit code, and that everything is then as it was; and the layouts where it goes on. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { createLandingWorld, type LandingWorld } from '../support/landing-world.ts';

type Refusal = {
  readonly args?: readonly string[];
  readonly code: number;
  readonly says: RegExp;
  /** Makes it so, and returns what takes it back. */
  readonly when?: (world: LandingWorld) => () => void;
};

const BEFORE_THE_START: Readonly<Record<string, Refusal>> = {
  'nothing was started': {
    code: 1,
    says: /nothing of this plan was started yet\n {2}fix: orchestrate start/,
  },
  'a branch without a commit': {
    code: 3,
    says: /the branch "main" has no commit yet\n {2}fix: git commit/,
    when: ({ git }) => {
      const sha = git(['rev-parse', 'main']);
      git(['update-ref', '-d', 'refs/heads/main']);
      return () => git(['update-ref', 'refs/heads/main', sha]);
    },
  },
};

const IN_THE_WAY =
  /A\.txt; nothing was changed: commit it, stash it or move it away\n {2}fix: git --literal-pathspecs -C \S+ stash push --all -- A\.txt\n/;
const untracked = ({ rig }: LandingWorld): (() => void) => {
  rig.cli.write('A.txt', 'mine\n');
  return () => {
    assert.equal(rig.cli.read('A.txt'), 'mine\n');
    rmSync(join(rig.root, 'A.txt'));
  };
};
const renamed = ({ git }: LandingWorld): (() => void) => {
  git(['branch', '-m', 'main', 'trunk']);
  return () => git(['branch', '-m', 'trunk', 'main']);
};

/** As if the plan had been started from there. */
function setBase(root: string, branch: string): void {
  const db = new Database(join(root, '.claude/orchestrator/state.db'));
  db.prepare('UPDATE initiative_bases SET branch = ?').run(branch);
  db.close();
}

const WITH_WORK: Readonly<Record<string, Refusal>> = {
  'a file in the way': { code: 5, says: IN_THE_WAY, when: untracked },
  'a branch that is not there': { args: ['--into', 'nowhere'], code: 7, says: /no local branch "nowhere"/ },
  'an option for a branch': { args: ['--into', '--upload-pack=x'], code: 7, says: /"--upload-pack=x"/ },
  'a branch checked out that has no commit': {
    args: ['--into', 'fresh'],
    code: 7,
    says: /no local branch "fresh"/,
    when: ({ git }) => {
      git(['symbolic-ref', 'HEAD', 'refs/heads/fresh']);
      return () => git(['symbolic-ref', 'HEAD', 'refs/heads/main']);
    },
  },
  'a configured branch that is not there': {
    code: 7,
    says: /no local branch "later"[\s\S]*fix: correct "landing\.branch"/,
    when: ({ rig }) => {
      rig.configure({ landing: { branch: 'later' } });
      return () => rig.configure({ landing: {} });
    },
  },
  'a base that is gone': {
    code: 3,
    says: /"main", from which the plan started, is gone; name another with --into[^\n]*\n {2}fix: git branch --list/,
    when: renamed,
  },
  'a base that is no local branch': {
    code: 7,
    says: /started from "v1", which is no local branch, [^\n]*; name another with --into[^\n]*\n {2}fix: git branch --list/,
    when: ({ rig, git }) => {
      git(['tag', 'v1', 'main']);
      setBase(rig.root, 'v1');
      return () => {
        setBase(rig.root, 'main');
        git(['tag', '--delete', 'v1']);
      };
    },
  },
  'no such strategy': { args: ['--strategy', 'octopus'], code: 2, says: /merge, squash or rebase/ },
  'no such stream': { args: ['Nobody'], code: 7, says: /Nobody/ },
};

/** Everything that a refusal must not change. */
function stateOf({ git }: LandingWorld): string {
  const files = git(['status', '--porcelain', '--', '.', ':!.claude', ':!watch-status']);
  return [git(['for-each-ref']), git(['symbolic-ref', 'HEAD']), files, git(['worktree', 'list'])].join('\n');
}

async function assertRefused(
  world: LandingWorld,
  refusals: Readonly<Record<string, Refusal>>,
): Promise<void> {
  const before = stateOf(world);
  for (const [what, { args = [], code, says, when }] of Object.entries(refusals)) {
    const undo = when?.(world);
    const now = stateOf(world);
    const ended = await world.rig.run(['merge', ...args], code);
    assert.match(ended.stderr, says, what);
    assert.match(ended.stderr, /^orchestrate: error: .+\n {2}fix: .+\n$/, what);
    assert.equal(stateOf(world), now, what);
    undo?.();
  }
  assert.equal(stateOf(world), before);
}

/** Makes the main checkout a linked worktree of a bare repository beside it, whose path is returned. */
function makeBare({ rig, git, worktreeOf }: LandingWorld): string {
  const [bare, linked] = [join(rig.cli.home, 'bare.git'), join(rig.cli.home, 'linked')];
  renameSync(join(rig.root, '.git'), bare);
  git(['config', 'core.bare', 'true'], bare);
  git(['worktree', 'add', '--quiet', '--no-checkout', linked, 'main'], bare);
  renameSync(join(linked, '.git'), join(rig.root, '.git'));
  git(['worktree', 'repair', rig.root, worktreeOf('A')], bare);
  git(['reset', '--quiet']);
  return bare;
}

test('each refusal is one line with its remedy, and leaves everything as it was', async () => {
  await using world = await createLandingWorld({ A: [] });
  const { rig, git } = world;
  await assertRefused(world, BEFORE_THE_START);
  await world.finish('A', (directory) => writeFileSync(join(directory, 'A.txt'), 'A\n'));
  await assertRefused(world, WITH_WORK);
  rig.cli.write('A.txt', 'mine\n');
  assert.equal((await world.merge(['--dry-run'])).report?.refusal?.exitCode, 5);
  rmSync(join(rig.root, 'A.txt'));

  // The base goes by another name; then all is a worktree of a bare repository.
  const undo = renamed(world);
  assert.equal((await world.merge(['--into', 'trunk', '--dry-run'])).code, 0);
  undo();
  const bare = makeBare(world);
  assert.match((await rig.run(['merge'], 3, { cwd: bare })).stderr, /the repository is bare/);
  const landed = await world.merge();
  assert.equal(landed.code, 0, landed.stderr);
  assert.equal(readFileSync(join(rig.root, 'A.txt'), 'utf8'), 'A\n');
  assert.equal(git(['status', '--porcelain', '--', 'A.txt']), '');
  assert.equal(git(['log', '-1', '--format=%s', 'main']), 'Merge A: Work of A');
  // A plan that has landed says so in one screen, with what is left to do; the report names what it landed as.
  const status = (await rig.run(['status'])).stdout;
  assert.match(status, /1 stream done and landed[\s\S]*orchestrate report[\s\S]*orchestrate clean/);
  assert.ok(status.split('\n').length <= 24, status);
  const tip = git(['rev-parse', 'main']);
  assert.match(
    (await rig.run(['report'])).stdout,
    new RegExp(`done, landed[\\s\\S]*\\*\\*Landed as\\*\\*\\n\\n- \`${tip.slice(0, 10)}\` on main\\n`),
  );
  await rig.run(['clean', 'A']);
  assert.ok(!existsSync(world.worktreeOf('A')));
  assert.match((await rig.run(['report'])).stdout, /done, landed[\s\S]*\*\*Landed as\*\*/);
});

test('the gates judge a line where set-up was done, what set-up changed is not theirs, and no line is left behind', async () => {
  const setUp = (command: string, more: object = {}) => ({
    gates: [{ name: 'any', command: 'test ! -e B.txt' }],
    worktree: { setup: [command], symlink: ['nowhere'], ...more },
  });
  const config = setUp('for file in many/*; do echo set-up >> $file; done');
  await using world = await createLandingWorld({ A: [], B: [] }, { config });
  const { rig, git } = world;
  for (let at = 0; at < 60; at += 1) rig.cli.write(`many/${at}.txt`, 'x\n');
  rig.cli.write('zz.txt', 'x\n');
  git(['add', 'many', 'zz.txt']);
  git(['commit', '--quiet', '-m', 'many files']);
  for (const stream of ['A', 'B'])
    await world.finish(stream, (directory) => writeFileSync(join(directory, `${stream}.txt`), ''));
  const lines = () => git(['for-each-ref', 'refs/orchestrate/landing']);
  const first = await world.merge();
  assert.equal(first.code, 1, first.stderr);
  assert.deepEqual(
    [first.report?.landed.map(({ stream }) => stream), first.report?.rejected.map(({ why }) => why)],
    [
      ['A'],
      [
        `gate "any" failed (exit 1), log: ${join(rig.root, '.claude/orchestrator/logs/gates/_landing-1.log')}`,
      ],
    ],
  );
  assert.equal(lines(), '');
  // Nothing is left of this line once its gate has failed.
  const second = await world.merge(['B']);
  assert.deepEqual([second.code, second.report?.landed, lines()], [1, [], '']);
  // What a gate changes is seen beside all that set-up did.
  rig.configure({ ...config, gates: [{ name: 'any', command: 'echo gate >> zz.txt' }] });
  const changes = await rig.run(['merge'], 1);
  assert.match(
    changes.stderr,
    /on main itself, .* gate "any" passed only on what it changed itself \(zz\.txt\)/,
  );
  rig.configure(setUp('sleep 600', { setupTimeoutSeconds: 1 }));
  const third = await rig.run(['merge'], 3);
  assert.match(third.stdout, /warning: worktree\.symlink "nowhere" was left out/);
  assert.match(third.stderr, /setup command "sleep 600" timed out after 1 s, log: /);
  assert.equal(lines(), '');
  assert.equal(git(['worktree', 'list']).split('\n').length, 3);
});
