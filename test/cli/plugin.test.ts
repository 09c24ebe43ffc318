/** The plugin as it is shipped, on a Node with an SQLite of its own: which program its command runs, and where `init` leaves that program. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { PACKAGE_ROOT } from '../../src/app/package-root.ts';
import { type CliRig, createCliRig } from '../support/cli-rig.ts';
import { otherNode } from '../support/other-node.ts';
import { copyPlugin } from '../support/plugin-version.ts';
import { until } from '../support/wait.ts';

const VERSION: string = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')).version;
const LAUNCHER = '.claude/orchestrator/orchestrate';

/** A machine with that Node, git and tmux, and the plugin's files in a directory as Claude Code would keep them. */
type Machine = CliRig & {
  readonly plugin: string;
  /** Runs a program; fails the test unless it exits 0 and says nothing on stderr. */
  readonly runs: (program: string, ...args: string[]) => string;
  readonly tools: string;
  readonly shared: (name: string) => string;
};

async function createMachine(): Promise<Machine> {
  const rig = await createCliRig();
  const plugin = join(rig.home, 'plugins', VERSION);
  cpSync(join(PACKAGE_ROOT, 'plugin'), plugin, { recursive: true });
  const tools = join(rig.home, 'tools');
  mkdirSync(tools);
  symlinkSync(await otherNode(), join(tools, 'node'));
  Object.assign(rig.env, { PATH: `${tools}:/usr/bin:/bin` });
  return Object.assign(rig, {
    plugin,
    tools,
    shared: (name: string) => join(rig.home, '.local/share/orchestrate', name),
    runs: (program: string, ...args: string[]) => {
      const ended = spawnSync(program, args, { cwd: rig.root, env: rig.env, encoding: 'utf8' });
      assert.deepEqual(
        [ended.status, ended.stderr],
        [0, ''],
        `${program} ${args.join(' ')}: ${ended.stdout}`,
      );
      return ended.stdout;
    },
  });
}

const command = (plugin: string): string => join(plugin, 'bin', 'orchestrate');

/** The plugin's next version, or another build of it, in a directory beside it. */
const nextVersion = ({ plugin }: Machine, version: string, name = version): string =>
  copyPlugin(plugin, join(dirname(plugin), name), version);

/** What of the project names a program of ours. */
function named(machine: Machine): string {
  const files = [
    LAUNCHER,
    '.claude/orchestrator/check-streams',
    '.claude/orchestrator/watch-status',
    '.mcp.json',
  ];
  return files.map((file) => machine.read(file)).join('\n');
}

const PLAN = 'prd: {title: P}\nstreams:\n  - {id: A, name: A, tasks: [{title: T}]}\n';

test('init from the plugin leaves the program where it lasts, and everything works when the plugin has gone', async () => {
  await using machine = await createMachine();
  const place = machine.shared(VERSION);
  assert.match(
    machine.runs(command(machine.plugin), 'init', '--dry-run'),
    /would create .*the program, out of the plugin/,
  );
  assert.ok(!existsSync(place));
  assert.ok(machine.runs(command(machine.plugin), 'init').includes(`create ${place} (`));
  assert.ok(!named(machine).includes(machine.plugin), named(machine));
  assert.ok(named(machine).includes(join(place, 'dist/cli.js')));
  rmSync(machine.plugin, { recursive: true });
  machine.write('plan.yaml', PLAN);
  machine.runs(join(machine.root, LAUNCHER), 'import', 'plan.yaml');
  assert.match(machine.runs(join(machine.root, LAUNCHER), 'task', 'list'), /\bT\b/);
  const doctor = spawnSync(join(machine.root, LAUNCHER), ['doctor'], {
    cwd: machine.root,
    env: machine.env,
    encoding: 'utf8',
  });
  assert.match(doctor.stdout, /native module: node:sqlite with SQLite 3\./);
  assert.equal(doctor.stderr, '');
  machine.runs(join(machine.root, LAUNCHER), 'init', '--remove');
  assert.deepEqual(readdirSync(machine.shared('projects')), [], 'no project of it is known any more');
  assert.deepEqual(
    readdirSync(join(place)).filter((name) => name === 'node_modules'),
    [],
  );
});

test('XDG_DATA_HOME is honoured; a damaged copy is mended; another build of the same version lies beside it', async () => {
  await using machine = await createMachine();
  const data = join(machine.home, "it's data");
  Object.assign(machine.env, { XDG_DATA_HOME: data });
  const place = join(data, 'orchestrate', VERSION);
  machine.runs(command(machine.plugin), 'init');
  assert.ok(machine.runs(join(machine.root, LAUNCHER), '--version').startsWith(VERSION));
  rmSync(join(place, 'dist/main.js'));
  machine.runs(command(machine.plugin), 'init');
  assert.ok(machine.runs(join(machine.root, LAUNCHER), '--version').startsWith(VERSION));
  const rebuilt = nextVersion(machine, VERSION, 'rebuilt');
  const [edition] = readFileSync(join(rebuilt, 'program/edition'), 'utf8').split('\n');
  machine.runs(command(rebuilt), 'init');
  assert.ok(machine.read(LAUNCHER).includes(`${VERSION}-${edition}/dist/cli.js`), machine.read(LAUNCHER));
});

test('the command runs another orchestrate on PATH first, never itself, another plugin, or what called it', async () => {
  await using machine = await createMachine();
  const search = (...directories: string[]) => {
    const path = [...directories, machine.tools, '/usr/bin', '/bin', join(machine.plugin, 'bin')].join(':');
    Object.assign(machine.env, { PATH: path });
  };
  const bin = (name: string) => {
    const directory = join(machine.home, name);
    mkdirSync(directory);
    return directory;
  };
  const [installed, linked, calling] = [bin('installed'), bin('linked'), bin('calling')];
  writeFileSync(join(installed, 'orchestrate'), '#!/bin/sh\necho "installed: $*"\n', { mode: 0o755 });
  symlinkSync(command(machine.plugin), join(linked, 'orchestrate'));
  writeFileSync(join(calling, 'orchestrate'), `#!/bin/sh\nexec '${command(machine.plugin)}' "$@"\n`, {
    mode: 0o755,
  });
  writeFileSync(join(machine.root, 'orchestrate'), '#!/bin/sh\necho "of the directory"\n', { mode: 0o755 });
  const other = nextVersion(machine, '9.9.9');

  search(linked, join(other, 'bin'), '.', '', installed);
  assert.equal(machine.runs(join(linked, 'orchestrate'), 'a b', 'c'), 'installed: a b c\n');
  assert.equal(machine.runs('orchestrate', 'x'), 'installed: x\n');
  for (const directories of [[], [linked], [join(other, 'bin'), linked], [calling], ['.', '']]) {
    search(...directories);
    assert.equal(machine.runs(command(machine.plugin), '--version'), `${VERSION}\n`, directories.join(':'));
  }
  search(calling);
  assert.equal(machine.runs('orchestrate', '--version'), `${VERSION}\n`);
  Object.assign(machine.env, { PATH: join(machine.plugin, 'bin') });
  const bare = spawnSync('/bin/sh', [command(machine.plugin)], { env: machine.env, encoding: 'utf8' });
  assert.equal(bare.status, 3);
  assert.match(bare.stderr, /^orchestrate: error: Node is missing\n {2}fix: install Node 22\.13/m);
});

test('an update while a plan runs disturbs nothing, the next init moves over, and what nobody names any more goes', async () => {
  await using machine = await createMachine();
  // A data directory behind a link, as homes are on some machines.
  mkdirSync(join(machine.home, 'disk'));
  symlinkSync(join(machine.home, 'disk'), join(machine.home, '.local'));
  const old = join(machine.home, 'disk/share/orchestrate', VERSION);
  machine.runs(command(machine.plugin), 'init');
  machine.write(
    'go.sh',
    'while [ ! -e "$HOME/go" ]; do sleep 0.1; done\necho x > x; git add x; git commit -qm X\n' +
      'orchestrate task update "$(orchestrate task list --json | grep -o "TASK-[0-9a-f-]*" | head -1)" --status completed\n',
  );
  const agent = { kind: 'custom', command: 'sh', args: [join(machine.root, 'go.sh')] };
  machine.write(
    '.claude/orchestrator/config.json',
    JSON.stringify({ agent, staggerMs: 0, gates: [{ name: 'any', command: 'true' }] }),
  );
  machine.write('plan.yaml', PLAN);
  machine.runs(join(machine.root, LAUNCHER), 'import', 'plan.yaml');
  const state = (): string =>
    JSON.parse(machine.runs(join(machine.root, LAUNCHER), 'status', '--json')).streams[0].state;
  using poller = start(machine);
  await until('the agent at work', () => state() === 'running');

  const next = nextVersion(machine, '9.9.9');
  renameSync(machine.plugin, `${machine.plugin}.gone`);
  machine.runs(command(next), 'init');
  assert.ok(machine.read(LAUNCHER).includes('/9.9.9/dist/cli.js'));
  assert.ok(!named(machine).includes(old));
  assert.ok(existsSync(old), "the running agents' launcher names it");
  writeFileSync(join(machine.home, 'go'), '');
  assert.deepEqual(await poller.ended, [0, ''], 'the old program finished the plan');
  assert.equal(state(), 'done');

  assert.match(machine.runs(command(next), 'init'), /^nothing to do$/m);
  assert.ok(existsSync(old), 'until the next start rewrites it');
  machine.git('init', '--quiet', join(machine.home, 'second'));
  const second = spawnSync(command(`${machine.plugin}.gone`), ['-C', join(machine.home, 'second'), 'init'], {
    env: machine.env,
  });
  assert.equal(second.status, 0);
  machine.runs(join(machine.root, LAUNCHER), 'verify', 'A');
  rmSync(join(machine.root, '.git/orchestrate/bin/orchestrate'));
  machine.runs(command(next), 'init');
  assert.ok(existsSync(old), 'another project names it');
  rmSync(join(machine.home, 'second'), { recursive: true });
  writeFileSync(join(old, 'templates/mine.md'), 'Mine.\n');
  machine.runs(command(next), 'init');
  assert.ok(existsSync(join(old, 'templates/mine.md')), 'it holds what we did not put there');
  rmSync(join(old, 'templates/mine.md'));
  assert.ok(machine.runs(command(next), 'init').includes(`remove ${old} (`));
  assert.ok(!existsSync(old));
  assert.equal(machine.runs(join(machine.root, LAUNCHER), '--version'), '9.9.9\n');
});

/** `orchestrate start` by the project's launcher, killed at the end of the test at the latest; `ended`: its exit code and what it said on stderr. */
function start(machine: Machine): Disposable & { readonly ended: Promise<readonly [number | null, string]> } {
  const child: ChildProcess = spawn(join(machine.root, LAUNCHER), ['start'], {
    cwd: machine.root,
    env: machine.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += String(chunk);
  });
  return {
    ended: new Promise((resolve) => child.once('close', (code) => resolve([code, said]))),
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}

test('init leaves slash command and server out where the enabled plugin brings them, and keeps what is not ours alone', async () => {
  await using machine = await createMachine();
  const slash = join(machine.root, '.claude/commands/orchestrate.md');
  const server = join(machine.root, '.mcp.json');
  const settings = (where: string, on: boolean) =>
    machine.write(where, JSON.stringify({ enabledPlugins: { 'orchestrate@anyone': on } }));
  settings(join(machine.home, '.claude/settings.json'), true);
  const installed = (place: string) =>
    machine.write(
      join(machine.home, '.claude/plugins/installed_plugins.json'),
      JSON.stringify({
        version: 2,
        plugins: { 'orchestrate@anyone': [{ scope: 'user', installPath: place }] },
      }),
    );
  const init = () => machine.runs(command(machine.plugin), 'init');
  const leaveOut = () => {
    rmSync(slash, { force: true });
    const said = init();
    return [
      /left out: the orchestrate plugin brings \/orch/.test(said),
      existsSync(slash),
      existsSync(server),
    ];
  };
  installed(machine.plugin);
  assert.deepEqual(leaveOut(), [true, false, false]);
  assert.match(
    init(),
    /^keep \.mcp\.json \(left out: the orchestrate plugin brings the server "task-copilot"\)$/m,
  );
  assert.ok(!init().includes('.claude/commands/orchestrate.md .'), 'it is not among what is to be committed');
  settings('.claude/settings.json', false);
  assert.deepEqual(leaveOut(), [false, true, true], 'the project switches it off');
  settings('.claude/settings.local.json', true);
  assert.deepEqual(leaveOut(), [true, false, false], 'the user switches it on here');
  installed('/nowhere');
  assert.deepEqual(leaveOut(), [false, true, true], 'it is not installed');
  installed(machine.plugin);
  init();
  assert.ok(existsSync(slash), 'it may be committed, for others');

  const entry = { command: join(machine.root, LAUNCHER), args: ['mcp'] };
  const servers = (own: object, others: object = {}) =>
    machine.write('.mcp.json', JSON.stringify({ mcpServers: { ...others, 'task-copilot': own } }));
  const listed = () => JSON.parse(machine.read('.mcp.json')).mcpServers;
  servers(entry, { theirs: { command: 'x' } });
  init();
  assert.deepEqual(listed(), { theirs: { command: 'x' } }, 'ours goes, and nothing else');
  for (const kept of [{ ...entry, env: { WORKSPACE_ID: 'w' } }, { command: 'their-copilot' }]) {
    servers(kept);
    init();
    assert.deepEqual(listed(), { 'task-copilot': kept });
  }
  rmSync(server);
  rmSync(join(machine.plugin, '.mcp.json'));
  init();
  assert.deepEqual(listed(), { 'task-copilot': entry }, 'this plugin brings none');
});

test('what is committed is what is made of the sources, on a newer Node too; "npm run plugin" makes it', async () => {
  const args = ['--import', 'tsx', 'scripts/plugin.ts', '--check'];
  const { status, stderr } = spawnSync(await otherNode(), args, { cwd: PACKAGE_ROOT, encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, 'plugin: as it is made\n']);
});
