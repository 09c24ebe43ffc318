/** `orchestrate init` on real repositories: what it makes, keeps, replaces and takes away. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { DEFAULT_CONFIG, loadConfig } from '../../src/app/config/load.ts';
import { CLI_ENTRY, launcherText } from '../../src/app/package-root.ts';
import { projectPaths } from '../../src/app/paths.ts';
import { OrchestrateError } from '../../src/core/errors.ts';
import { askPlaces } from '../../src/init/ask-places.ts';
import { openManifest } from '../../src/init/manifest.ts';
import { accept, propose } from '../../src/init/proposals.ts';
import { checkRequiredFiles, missingRequiredFiles } from '../../src/init/required-files.ts';
import { repairSymlink } from '../../src/init/symlink.ts';
import { openStateStore } from '../../src/state/state-store.ts';
import { type CliRig, createCliRig } from '../support/cli-rig.ts';

const REQUIRED = ['orchestrate', 'check-streams', 'watch-status', 'config.json', 'worker-prompt.md'];
const own = (name: string) => `.claude/orchestrator/${name}`;

async function initialised(rig: CliRig, ...flags: string[]): Promise<string> {
  const { code, stdout, stderr } = await rig.run(['init', ...flags]);
  assert.deepEqual([code, stderr], [0, '']);
  return stdout;
}

/** Every file of the repository but git's own, with its content. */
function snapshot(rig: CliRig): Record<string, string> {
  const names = readdirSync(rig.root, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !name.startsWith('.git/') && lstatSync(join(rig.root, name)).isFile(),
  );
  return Object.fromEntries(names.sort().map((name) => [name, rig.read(name)]));
}

test('it makes every file, the symlink and the ignore rules, and says which files to commit', async () => {
  await using rig = await createCliRig();
  const stdout = await initialised(rig);
  for (const name of [...REQUIRED, 'ORCHESTRATION_GUIDE.md', 'config.schema.json']) {
    assert.ok(lstatSync(join(rig.root, own(name))).isFile(), name);
  }
  assert.equal(readlinkSync(join(rig.root, 'watch-status')), '.claude/orchestrator/watch-status');
  assert.match(
    stdout,
    /^✓ Orchestrator files created in \.claude\/orchestrator\/\n✓ Symlink created: \.\/watch-status$/m,
  );
  assert.match(stdout, /git add \.claude\/orchestrator\/config\.json /);
  const untracked = rig.git('ls-files', '--others', '--exclude-standard').split('\n').sort();
  assert.deepEqual(untracked, [
    '.claude/agents/ta.md',
    '.claude/commands/orchestrate.md',
    ...['ORCHESTRATION_GUIDE.md', 'config.json', 'config.schema.json', 'worker-prompt.md'].map(own),
  ]);
  assert.equal(statSync(join(rig.root, '.claude/orchestrator')).mode & 0o777, 0o700);
});

test('a .mcp.json with paths of this machine is not added with everything else; the user’s own is', async () => {
  await using rig = await createCliRig();
  await initialised(rig);
  rig.git('add', '--all');
  assert.ok(existsSync(join(rig.root, '.mcp.json')));
  assert.equal(rig.git('ls-files', '.mcp.json'), '');
  await initialised(rig);
  assert.match(rig.read('.git/info/exclude'), /^\/\.mcp\.json$/m);

  await using other = await createCliRig();
  other.write('.mcp.json', '{"mcpServers": {"theirs": {"command": "x"}}}\n');
  await initialised(other);
  other.git('add', '--all');
  assert.equal(other.git('ls-files', '.mcp.json'), '.mcp.json');
  assert.doesNotMatch(other.read('.git/info/exclude'), /mcp/);
});

test('worktrees and run-time files do not show up in git status', async () => {
  await using rig = await createCliRig();
  await initialised(rig);
  rig.git('add', '.');
  rig.git('commit', '--quiet', '--message=Set up');
  for (const name of [
    'state.db',
    'state.db-wal',
    'lock.db',
    'logs/a.log',
    'pids/a.pid',
    'runs/a-1/claim',
    'spool/x',
  ]) {
    rig.write(own(name), '');
  }
  rig.write('.claude/worktrees/a/file', '');
  assert.equal(rig.git('status', '--porcelain'), '');
});

test('where git refuses the repository it is exit 3 with what git says, and nothing is made', async () => {
  await using rig = await createCliRig();
  const before = rig.read('.git/config');
  const refused = async (env: Record<string, string>, why: RegExp) => {
    const { code, stderr } = await rig.run(['init', '--yes'], { env });
    assert.equal(code, 3, stderr);
    assert.match(stderr, why);
    assert.equal(existsSync(join(rig.root, '.claude')), false);
  };
  // By this git's own tests take a repository for another user's.
  await refused(
    { GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' },
    /dubious ownership.*\n {2}fix: git config --global --add safe\.directory /,
  );
  rig.write('.git/config', `${before}[broken\n`);
  await refused({}, /bad config line \d+/);
  rig.write('.git/config', before);
  rig.git('config', 'core.repositoryFormatVersion', '1');
  rig.git('config', 'extensions.fromTheFuture', 'true');
  await refused({}, /unknown repository extension/);
});

test('a second init changes nothing', async () => {
  await using rig = await createCliRig();
  rig.write('package.json', '{"scripts": {"test": "node --test"}}');
  const said = await initialised(rig, '--yes');
  assert.match(
    said,
    /^• gate "test": npm test \(found in package\.json scripts\.test\); a stream is done only when it passes$/m,
  );
  const before = snapshot(rig);
  const exclude = rig.read('.git/info/exclude');
  assert.match(await initialised(rig), /^nothing to do\n✓ /);
  assert.match(await initialised(rig, '--yes'), /^nothing to do\n✓ /);
  assert.deepEqual(snapshot(rig), before);
  assert.equal(rig.read('.git/info/exclude'), exclude);
});

test('it works from a subdirectory and from inside a worktree, always on the main checkout', async () => {
  await using rig = await createCliRig();
  mkdirSync(join(rig.root, 'deep/er'), { recursive: true });
  const tree = join(rig.home, 'tree');
  rig.git('worktree', 'add', '--quiet', tree);
  assert.equal((await rig.run(['init'], { cwd: join(rig.root, 'deep/er') })).code, 0);
  assert.equal((await rig.run(['init'], { cwd: tree })).code, 0);
  assert.ok(existsSync(join(rig.root, own('config.json'))));
  assert.ok(!existsSync(join(tree, '.claude')));
});

test('--dry-run says what would be done and does none of it', async () => {
  await using rig = await createCliRig();
  const before = [snapshot(rig), rig.read('.git/info/exclude')];
  const stdout = await initialised(rig, '--dry-run');
  assert.match(stdout, /^would create \.claude\/orchestrator\/config\.json$/m);
  assert.match(stdout, /^would update \.git\/info\/exclude/m);
  assert.deepEqual([snapshot(rig), rig.read('.git/info/exclude')], before);
  const json = JSON.parse((await rig.run(['init', '--dry-run', '--json'])).stdout);
  assert.deepEqual(json.changes.find(({ what }: { what: string }) => what === 'watch-status').verb, 'create');
  assert.ok(!existsSync(join(rig.root, 'watch-status')));
});

test('a changed file is kept, and replaced with a backup only by --force', async () => {
  await using rig = await createCliRig();
  await initialised(rig);
  rig.write(own('worker-prompt.md'), 'Mine.\n');
  rig.write(own('config.json'), '{"maxWorkers": 2}');
  const stdout = await initialised(rig, '--yes');
  assert.match(stdout, /^keep \.claude\/orchestrator\/worker-prompt\.md \(it was changed/m);
  assert.equal(rig.read(own('worker-prompt.md')), 'Mine.\n');
  assert.equal(rig.read(own('config.json')), '{"maxWorkers": 2}');
  await initialised(rig, '--force');
  assert.notEqual(rig.read(own('worker-prompt.md')), 'Mine.\n');
  const backups = readdirSync(join(rig.root, '.claude/orchestrator')).filter((name) =>
    name.includes('.bak-'),
  );
  assert.deepEqual(backups.map((name) => rig.read(own(name))).sort(), ['Mine.\n', '{"maxWorkers": 2}']);
});

test('a config.json that is broken is named by init, and replaced by --force', async () => {
  await using rig = await createCliRig();
  rig.write(own('config.json'), '{"maxWorkres": 2}');
  const refused = await rig.run(['init']);
  assert.equal(refused.code, 7);
  assert.match(refused.stderr, /unknown key "maxWorkres"/);
  assert.ok(!existsSync(join(rig.root, 'watch-status')));
  await initialised(rig, '--force');
  assert.equal(JSON.parse(rig.read(own('config.json'))).maxWorkers, 5);
});

test('something else named watch-status is kept, and a broken link is mended', async () => {
  await using rig = await createCliRig();
  rig.write('watch-status', 'Mine.\n');
  const stdout = await initialised(rig);
  assert.match(stdout, /^keep watch-status /m);
  assert.ok(!stdout.includes('Symlink created'));
  assert.equal(rig.read('watch-status'), 'Mine.\n');
  rmSync(join(rig.root, 'watch-status'));
  symlinkSync('/nowhere', join(rig.root, 'watch-status'));
  assert.match(await initialised(rig), /^update watch-status /m);
  assert.equal(readlinkSync(join(rig.root, 'watch-status')), '.claude/orchestrator/watch-status');
});

test('repairSymlink mends a missing or broken link and leaves everything else', async () => {
  await using rig = await createCliRig();
  const paths = projectPaths(rig.root);
  await initialised(rig);
  assert.equal(repairSymlink(paths), false);
  for (const target of [null, '/nowhere']) {
    rmSync(paths.symlink, { force: true });
    if (target !== null) symlinkSync(target, paths.symlink);
    assert.equal(repairSymlink(paths), true);
    assert.equal(readlinkSync(paths.symlink), '.claude/orchestrator/watch-status');
  }
  rmSync(paths.symlink);
  symlinkSync('README.md', paths.symlink);
  assert.equal(repairSymlink(paths), false);
  assert.equal(readlinkSync(paths.symlink), 'README.md');
});

test('missing required files are exit 3 with the box naming them, and nothing is made', async () => {
  await using rig = await createCliRig();
  const paths = projectPaths(rig.root);
  assert.deepEqual(missingRequiredFiles(paths), REQUIRED.map(own));
  await initialised(rig);
  assert.deepEqual(missingRequiredFiles(paths), []);
  rmSync(paths.workerPrompt);
  assert.throws(
    () => checkRequiredFiles(paths),
    (error) => {
      assert.ok(error instanceof OrchestrateError);
      assert.equal(error.exitCode, 3);
      assert.equal(error.fix, 'orchestrate init');
      assert.match(error.box ?? '', /❌ ERROR: Orchestrator Files Not Found\n━+\n[\s\S]*worker-prompt\.md/);
      assert.match(error.box ?? '', /`orchestrate init`[\s\S]*`\/orchestrate generate`/);
      return true;
    },
  );
  assert.ok(!existsSync(paths.workerPrompt));
});

test('launchers call the installed command line, from a project of any name, also through the symlink', async () => {
  await using rig = await createCliRig({ name: `it's a "project" $(x)` });
  await initialised(rig);
  const launcher = join(rig.root, own('orchestrate'));
  assert.equal(
    execFileSync(launcher, ['--version'], { encoding: 'utf8' }),
    (await rig.run(['--version'])).stdout,
  );
  for (const name of ['orchestrate', 'check-streams', 'watch-status']) {
    const lines = rig.read(own(name)).trimEnd().split('\n');
    assert.equal(lines.length, 3);
    assert.ok(lines[2]?.includes(`'${CLI_ENTRY}'`), lines[2]);
  }
  const fromElsewhere = spawnSync(join(rig.root, own('check-streams')), ['--help'], {
    cwd: '/',
    encoding: 'utf8',
  });
  assert.match(fromElsewhere.stdout, /^orchestrate status: /);
  const throughLink = spawnSync(join(rig.root, 'watch-status'), ['--help'], {
    cwd: rig.root,
    encoding: 'utf8',
  });
  assert.match(throughLink.stdout, /^orchestrate watch: /);
});

test('a launcher whose program has moved runs what is on PATH, and never itself again', async () => {
  await using rig = await createCliRig({ name: `it's here` });
  await initialised(rig);
  const file = join(rig.root, own('orchestrate'));
  const runs = (program: readonly [string, string], path: string, ...args: string[]) => {
    rig.write(file, launcherText('a test', '"$@"', program));
    return spawnSync(file, args, { env: { ...rig.env, PATH: path }, encoding: 'utf8' });
  };
  const path = `${dirname(process.execPath)}:/usr/bin:/bin`;
  const { stdout: version } = await rig.run(['--version']);
  assert.equal(runs(['/gone/node', CLI_ENTRY], path, '--version').stdout, version);
  const gone = ['/gone/node', '/gone/cli.js'] as const;
  rig.write('bin/orchestrate', '#!/bin/sh\necho "on PATH: $*"\n');
  chmodSync(join(rig.root, 'bin/orchestrate'), 0o755);
  const beside = `${dirname(file)}:/usr/bin:/bin`;
  assert.equal(
    runs(gone, `${dirname(file)}:${join(rig.root, 'bin')}:${path}`, 'a b').stdout,
    'on PATH: a b\n',
  );
  for (const search of [beside, `/usr/bin:/bin:${dirname(file)}`, '/nowhere']) {
    const { status, stderr } = runs(gone, search, 'status');
    assert.equal(status, 3, stderr);
    assert.match(
      stderr,
      /error: the program that .* calls is gone: .*\/gone\/cli\.js\n {2}fix: install orchestrate/,
    );
  }
});

test('files of ours whose program has moved are named by status and doctor, and mended by start', async () => {
  await using rig = await createCliRig();
  await initialised(rig);
  const text = rig.read(own('orchestrate'));
  const moved = launcherText('"orchestrate init": the orchestrate command', '"$@"', [
    '/gone/node',
    CLI_ENTRY,
  ]);
  const manifest = openManifest(join(rig.root, own('.init.json')));
  manifest.record(own('orchestrate'), moved);
  manifest.save();
  rig.write(own('orchestrate'), moved);
  const old = { command: '/gone/node', args: ['/gone/dist/cli.js', 'mcp'], env: { A: 'b' } };
  rig.write('.mcp.json', JSON.stringify({ mcpServers: { 'task-copilot': old } }));
  rig.write(
    'plan.json',
    JSON.stringify({ prd: { title: 'P' }, streams: [{ id: 'A', name: 'A', tasks: [{ title: 'T' }] }] }),
  );
  assert.equal((await rig.run(['import', 'plan.json'])).code, 0);
  const named = /\.claude\/orchestrator\/orchestrate, \.mcp\.json: .*has moved \(\/gone\/node\)/;
  assert.match((await rig.run(['status'])).stderr, named);
  const { checks } = JSON.parse((await rig.run(['doctor', '--json'])).stdout);
  const check = checks.find(({ name }: { name: string }) => name === 'launchers');
  assert.deepEqual([check.level, check.fix], ['warn', 'orchestrate init']);
  assert.match(check.message, named);
  assert.match(
    (await rig.run(['start'], { env: { ORCHESTRATE_AGENT_COMMAND: '/nowhere' } })).stderr,
    /^orchestrate: mended \.claude\/orchestrator\/orchestrate, \.mcp\.json/,
  );
  assert.equal(rig.read(own('orchestrate')), text);
  assert.deepEqual(JSON.parse(rig.read('.mcp.json')).mcpServers['task-copilot'], {
    command: join(rig.root, own('orchestrate')),
    args: ['mcp'],
    env: { A: 'b' },
  });
  assert.equal((await rig.run(['status'])).stderr, '');
  // One that the user has changed is theirs: what is to be typed keeps it, and their config.json as it is.
  rig.write(own('orchestrate'), `${moved}# mine\n`);
  rig.write(own('config.json'), '{"maxWorkers": 2}');
  const { stderr } = await rig.run(['start'], { env: { ORCHESTRATE_AGENT_COMMAND: '/nowhere' } });
  const [, fix = ''] =
    /warning: \.claude\/orchestrator\/orchestrate: .* \((mv .* && orchestrate init)\)\n/.exec(stderr) ?? [];
  const typed = fix.replace('orchestrate init', `'${process.execPath}' '${CLI_ENTRY}' init`);
  execFileSync('/bin/sh', ['-c', typed], { cwd: rig.root, env: rig.env });
  assert.equal(rig.read(own('orchestrate')), text);
  assert.match(rig.read(own('orchestrate-mine')), /# mine/);
  assert.equal(rig.read(own('config.json')), '{"maxWorkers": 2}');
});

const PROPOSALS: readonly (readonly [string, Record<string, string>, string[], string[]])[] = [
  ['npm', { 'package-lock.json': '', 'package.json': '{"scripts":{"test":"x"}}' }, ['npm ci'], ['npm test']],
  [
    'pnpm',
    { 'pnpm-lock.yaml': '', 'package.json': '{"scripts":{"test":"x"}}' },
    ['pnpm install --frozen-lockfile'],
    ['pnpm test'],
  ],
  ['yarn 1', { 'yarn.lock': '', 'package.json': '{}' }, ['yarn install --frozen-lockfile'], []],
  [
    'yarn 4',
    { 'yarn.lock': '', 'package.json': '{"packageManager":"yarn@4.1.0"}' },
    ['yarn install --immutable'],
    [],
  ],
  ['bun', { 'bun.lock': '' }, ['bun install --frozen-lockfile'], []],
  [
    "npm's placeholder",
    { 'package.json': '{"scripts":{"test":"echo \\"Error: no test specified\\" && exit 1"}}' },
    [],
    [],
  ],
  [
    'uv',
    { 'uv.lock': '', 'pyproject.toml': '[tool.pytest.ini_options]' },
    ['uv sync --frozen'],
    ['uv run pytest'],
  ],
  [
    'poetry',
    { 'poetry.lock': '', 'pyproject.toml': 'pytest = "8"' },
    ['poetry install'],
    ['poetry run pytest'],
  ],
  ['cargo', { 'Cargo.toml': '', 'Cargo.lock': '' }, [], ['cargo test']],
  ['go', { 'go.mod': '', 'go.sum': '' }, ['go mod download'], ['go test ./...']],
  ['make', { Makefile: 'build:\n\ttrue\ntest: build\n\ttrue\n' }, [], ['make test']],
  ['broken package.json', { 'package.json': '{' }, [], []],
  ['nothing', {}, [], []],
];

test('setup commands are proposed from the lockfile and gates from the test script', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'orchestrate-proposals-'));
  for (const [name, files, setup, gates] of PROPOSALS) {
    await t.test(name, () => {
      for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, file), text);
      const proposals = propose(dir);
      for (const file of Object.keys(files)) rmSync(join(dir, file));
      assert.deepEqual(
        proposals.setup.map(({ command }) => command),
        setup,
      );
      assert.deepEqual(
        proposals.gates.map(({ gate }) => gate.command),
        gates,
      );
    });
  }
  rmSync(dir, { recursive: true });
});

test('on a terminal each new proposal is asked about, and only those agreed to are taken', async () => {
  const setup = [{ command: 'npm ci', cwd: '.', because: 'package-lock.json' }];
  const gate = { name: 'test', command: 'npm test', cwd: '.', timeoutSeconds: 900 };
  const proposals = { setup, gates: [{ gate, because: 'package.json' }] };
  const asked: string[] = [];
  const asker = (answers: string[]) => ({
    interactive: true,
    yes: false,
    ask: async (question: string) => {
      asked.push(question);
      return answers.shift() ?? assert.fail('asked too often');
    },
  });
  const first = await accept(proposals, DEFAULT_CONFIG, asker(['n', '']));
  assert.deepEqual(first, { accepted: { setup: [], gates: proposals.gates }, passedOver: [] });
  assert.match(asked[0] ?? '', /"npm ci" in every new worktree \(package-lock\.json\)\? \[Y\/n\] $/);
  assert.match(asked[1] ?? '', /"npm test" passes \(package\.json\)/);
  const withGate = { ...DEFAULT_CONFIG, gates: [{ ...gate, agent: false }] };
  assert.deepEqual((await accept(proposals, withGate, asker(['y']))).accepted, proposals);
  assert.equal((await accept(proposals, withGate, asker(['no']))).accepted, null);
});

test('--yes writes the proposals into a configuration that is valid', async () => {
  await using rig = await createCliRig();
  rig.write('package.json', '{"scripts": {"test": "node --test"}}');
  rig.write('package-lock.json', '{}');
  await initialised(rig, '--yes');
  const config = loadConfig(join(rig.root, own('config.json')), {});
  assert.deepEqual(config.worktree.setup, ['npm ci']);
  assert.deepEqual(config.gates, [
    { name: 'test', command: 'npm test', agent: false, cwd: '.', timeoutSeconds: 900 },
  ]);
});

test('without a terminal and without --yes nothing is proposed into the file, and that is said', async () => {
  await using rig = await createCliRig();
  rig.write('package.json', '{"scripts": {"test": "node --test"}}');
  assert.match(await initialised(rig), /^• proposed, not taken without --yes: npm test$/m);
  assert.deepEqual(JSON.parse(rig.read(own('config.json'))).gates, []);
  await initialised(rig, '--yes');
  assert.equal(JSON.parse(rig.read(own('config.json'))).gates[0].command, 'npm test');
});

test('run in a directory of a monorepo it proposes from there, and says paths as they are typed there', async () => {
  await using rig = await createCliRig();
  rig.write('packages/web/package.json', '{"scripts": {"test": "true"}}');
  rig.write('packages/web/package-lock.json', '{}');
  rig.write('Makefile', 'test:\n\ttrue\n');
  rig.write('.gitignore', '.claude/\n');
  const web = join(rig.root, 'packages/web');
  const plain = await rig.run(['init'], { cwd: web });
  assert.match(
    plain.stdout,
    /^• proposed, not taken without --yes: npm ci, npm test, agents start in packages\/web$/m,
  );
  const { stdout } = await rig.run(['init', '--yes'], { cwd: web });
  const config = loadConfig(join(rig.root, own('config.json')), {});
  assert.equal(config.agent.cwd, 'packages/web');
  assert.deepEqual(config.worktree.setup, [{ command: 'npm ci', cwd: 'packages/web' }]);
  assert.deepEqual(
    config.gates.map(({ command, cwd }) => [command, cwd]),
    [['npm test', 'packages/web']],
  );
  assert.match(stdout, /^✓ Symlink created: \.\.\/\.\.\/watch-status$/m);
  const line = /^ {2}(git add -f \.\.\/\.\.\/\.claude.*)$/m.exec(stdout)?.[1] ?? assert.fail(stdout);
  execFileSync('/bin/sh', ['-c', line], { cwd: web, env: rig.env });
  assert.match(rig.git('status', '--short', '.claude'), /^A {2}\.claude\/orchestrator\/config\.json$/m);
  const above = propose(rig.root, null, 'packages');
  assert.deepEqual(
    above.gates.map(({ gate }) => [gate.command, gate.cwd]),
    [['make test', '.']],
  );
  assert.deepEqual(above.setup, []);
});

test('on a terminal it asks where agents start and where worktrees are made', async () => {
  const asked: string[] = [];
  const asker = (answers: string[], yes = false) => ({
    interactive: true,
    yes,
    ask: async (question: string) => {
      asked.push(question);
      return answers.shift() ?? assert.fail('asked too often');
    },
  });
  const paths = projectPaths('/nowhere');
  const own = await askPlaces('packages/web', DEFAULT_CONFIG, paths, asker(['', '.', '~/trees', '../trees']));
  assert.deepEqual(own, { agentCwd: 'packages/web', worktreeRoot: '../trees' });
  assert.match(asked[0] ?? '', /^Start agents in packages\/web of their worktrees\? \[Y\/n\]/);
  assert.match(
    asked[1] ?? '',
    /^Where should worktrees be made \(.*\.\.\/trees.*\)\? \[\.claude\/worktrees\]/,
  );
  assert.match(asked[2] ?? '', /^It must be a directory other than the project itself\. Where/);
  assert.match(asked[3] ?? '', /^It must not begin with ~: write the whole path\. Where/);
  const defaults = { agentCwd: '.', worktreeRoot: '.claude/worktrees' };
  assert.deepEqual(await askPlaces('.', DEFAULT_CONFIG, paths, asker([''])), defaults);
  assert.deepEqual(await askPlaces('.', DEFAULT_CONFIG, paths, asker([], true)), defaults);
});

test('--remove takes away what is unchanged and keeps what was changed or holds data', async () => {
  await using rig = await createCliRig();
  await initialised(rig);
  rig.write(own('worker-prompt.md'), 'Mine.\n');
  rig.write(own('state.db'), '');
  rmSync(join(rig.root, own('state.db')));
  openStateStore(join(rig.root, own('state.db'))).close();
  rig.write('.claude/worktrees/a/file', 'work');
  const { code, stdout } = await rig.run(['init', '--remove']);
  assert.equal(code, 0);
  assert.match(stdout, /^keep \.claude\/orchestrator\/worker-prompt\.md \(it was changed\)$/m);
  assert.match(stdout, /^keep \.claude\/orchestrator\/ \(it still holds .*state\.db/m);
  assert.ok(!existsSync(join(rig.root, own('config.json'))));
  assert.ok(!existsSync(join(rig.root, 'watch-status')));
  assert.equal(rig.read('.claude/worktrees/a/file'), 'work');
  assert.match(rig.read('.git/info/exclude'), /orchestrate/);
});

test('init and then --remove leave the repository as it was', async () => {
  await using rig = await createCliRig();
  const before = [snapshot(rig), rig.read('.git/info/exclude')];
  await initialised(rig, '--yes');
  assert.equal((await rig.run(['init', '--remove'])).code, 0);
  assert.deepEqual([snapshot(rig), rig.read('.git/info/exclude')], before);
  assert.ok(!existsSync(join(rig.root, '.claude')));
});

test('a file that was being written when init was killed is known as ours, with what it held before and with what it was to hold', () => {
  const directory = mkdtempSync(join(tmpdir(), 'orchestrate-claims-'));
  const path = join(directory, 'claims.json');
  const before = openManifest(path);
  before.record('a', 'old');
  before.save();
  openManifest(path).claim('a', 'new');
  const after = openManifest(path);
  assert.deepEqual(
    ['old', 'new', 'other'].map((text) => after.isOurs('a', text)),
    [true, true, false],
  );
  after.record('a', 'new');
  after.save();
  assert.equal(openManifest(path).isOurs('a', 'old'), false);
  rmSync(directory, { recursive: true });
});

test('--remove is refused while a run is open', async () => {
  await using rig = await createCliRig();
  await initialised(rig);
  const state = openStateStore(join(rig.root, own('state.db')));
  state.ensureStream('i', 'A', { branchPrefix: 'orchestrate/', worktreeRoot: '/tmp/x', portBase: 4100 });
  state.openRun({
    key: 'a',
    number: 1,
    agentKind: 'custom',
    startedAtMs: 1,
    bootId: 'b',
    sessionId: null,
    baseSha: '0'.repeat(40),
    tokenHash: 'h',
  });
  state.close();
  const { code, stderr } = await rig.run(['init', '--remove']);
  assert.equal(code, 5);
  assert.match(stderr, /still at work\n {2}fix: orchestrate stop/);
  assert.ok(existsSync(join(rig.root, own('config.json'))));
});

test('a directory that cannot be written is exit 3, named, with nothing half made', {
  skip: process.getuid?.() === 0 ? 'root may write everywhere' : false,
}, async () => {
  await using rig = await createCliRig();
  mkdirSync(join(rig.root, '.claude'), { mode: 0o500 });
  const { code, stderr } = await rig.run(['init']);
  chmodSync(join(rig.root, '.claude'), 0o700);
  assert.equal(code, 3);
  assert.match(stderr, /cannot write .*\.claude/);
});

test('a file where the directory belongs is exit 3 and stays', async () => {
  await using rig = await createCliRig();
  rig.write('.claude', 'Mine.\n');
  const { code, stderr } = await rig.run(['init']);
  assert.equal(code, 3);
  assert.match(stderr, /^orchestrate: error: cannot write .*\.claude/);
  assert.equal(rig.read('.claude'), 'Mine.\n');
  assert.doesNotMatch(rig.read('.git/info/exclude'), /orchestrate/);
});
