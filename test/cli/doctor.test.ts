/** `orchestrate doctor`: what it finds missing or wrong, in text and as JSON, and that it changes nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { acquireLease } from '../../src/state/lease.ts';
import { openCopilotDatabase } from '../../src/task-copilot/store-schema.ts';
import { type CliRig, createCliRig } from '../support/cli-rig.ts';
import { openTerminal } from '../support/tmux-client.ts';
import { until } from '../support/wait.ts';
import { planFile } from '../support/worker-rig.ts';

type Check = { name: string; level: string; message: string; fix: string | null };

async function checks(
  rig: CliRig,
  env: Record<string, string> = {},
): Promise<{ code: number | null; find: (name: string) => Check; all: Check[] }> {
  const { code, stdout } = await rig.run(['doctor', '--json'], { env });
  const { schemaVersion, checks: all } = JSON.parse(stdout);
  assert.equal(schemaVersion, 1);
  const find = (name: string) =>
    all.find((check: Check) => check.name === name) ?? assert.fail(`no check ${name}`);
  return { code, find, all };
}

/** A directory for PATH that holds these scripts, and links to the real tools named. */
function tools(rig: CliRig, scripts: Record<string, string>): string {
  const dir = join(rig.home, `tools-${Object.keys(scripts).join('-')}`);
  mkdirSync(dir);
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(dir, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(dir, name), 0o755);
  }
  return dir;
}

test('with everything there it is exit 0, and it makes neither store nor state', async () => {
  await using rig = await createCliRig();
  await rig.run(['init']);
  rig.write('.claude/orchestrator/config.json', '{"agent": {"kind": "custom", "command": "true"}}');
  const { code, find, all } = await checks(rig);
  assert.deepEqual(
    all.filter(({ level }) => level === 'fail'),
    [],
  );
  assert.equal(code, 0);
  assert.match(find('git').message, /^git \d/);
  assert.match(find('tmux').message, /^tmux /);
  assert.match(find('native module').message, /SQLite 3/);
  assert.match(find('workspace').message, /^project \(from directory name\): .*tasks\/project\/tasks\.db$/);
  assert.deepEqual([find('store').level, find('store').fix], ['warn', 'orchestrate generate']);
  assert.equal(find('gates').level, 'warn');
  assert.ok(!existsSync(join(rig.home, 'tasks')));
  assert.ok(!existsSync(join(rig.root, '.claude/orchestrator/state.db')));
});

test('everything that is not ok says what to do', async () => {
  await using rig = await createCliRig();
  const { all } = await checks(rig);
  for (const { name, level, fix } of all) assert.equal(fix === null, level === 'ok', name);
});

test('what git would make of a plan is found before it is started, and start says it too', async () => {
  await using rig = await createCliRig();
  await rig.run(['init']);
  rig.write('legacy.txt', 'one\r\n');
  rig.git('add', 'legacy.txt');
  rig.git('commit', '--quiet', '-m', 'With CRLF');
  rig.write('.gitattributes', '*.txt text eol=lf\n*.bin filter=lfs\n');
  rig.write('.gitmodules', '[submodule "lib"]\n\tpath = vendor/lib\n\turl = ../lib\n');
  rig.write('.gitignore', '.env\n.hooks/\n');
  rig.write('.env', 'SECRET=1\n');
  rig.write('.hooks/pre-commit', '#!/bin/sh\n');
  rig.git('add', '.gitattributes', '.gitmodules', '.gitignore');
  rig.git(
    'update-ref',
    'refs/remotes/origin/main',
    rig.git('commit-tree', 'HEAD^{tree}', '-p', 'HEAD', '-m', 'x').trim(),
  );
  rig.git('config', 'core.hooksPath', '.hooks');
  rig.git('commit', '--quiet', '-m', 'All');
  rig.git('reset', '--quiet', '--soft', 'HEAD');
  rig.git('branch', 'orchestrate');
  const before = rig.git('for-each-ref') + rig.git('count-objects');
  const said = `case "$*" in *extensions.refStorage*) echo reftable; exit 0;; esac; PATH='${rig.env['PATH']}' exec git "$@"`;
  const { code, find, all } = await checks(rig, { PATH: `${tools(rig, { git: said })}:${rig.env['PATH']}` });
  assert.deepEqual([find('refs').level, /reftable/.test(find('refs').message)], ['warn', true]);
  assert.equal(code, 3);
  assert.deepEqual([find('identity').level, find('signing').level], ['ok', 'ok']);
  assert.match(find('base').message, /^main is 1 commit behind origin\/main and 1 ahead/);
  assert.match(find('names').message, /the branch "orchestrate" stands in the way/);
  assert.match(find('names').message, /branchPrefix/);
  assert.equal(find('names').fix, 'git branch -m orchestrate orchestrate-mine');
  assert.match(find('checkout').message, /dirty from the start: legacy\.txt/);
  const lacks = all.filter(({ name }) => name === 'worktrees').map(({ message }) => message);
  assert.equal(lacks.length, 3, lacks.join('\n'));
  assert.match(
    lacks.join('\n'),
    /submodules.*vendor\/lib\n.*\.hooks \(core\.hooksPath\).*\n.*ignored files.*\.env/,
  );
  assert.equal(rig.git('for-each-ref') + rig.git('count-objects'), before);
  // The proposals bring what can be brought.
  rmSync(join(rig.root, '.claude/orchestrator/config.json'));
  const init = await rig.run(['init', '--yes']);
  assert.equal(init.code, 0, init.stderr);
  const { setup } = JSON.parse(rig.read('.claude/orchestrator/config.json')).worktree;
  assert.deepEqual(setup, [
    'git submodule update --init --recursive',
    'git lfs pull',
    'mkdir -p . && cp -R "$ORCHESTRATE_PROJECT"/.hooks ./',
  ]);
  rig.write('.claude/orchestrator/config.json', '{"agent": {"kind": "custom", "command": "true"}}');
  rig.write('plan.json', JSON.stringify(planFile({ A: [] })));
  assert.equal((await rig.run(['import', 'plan.json'])).code, 0);
  assert.match(
    (await checks(rig)).find('names').message,
    /"orchestrate" stands in the way/,
    'with a plan too',
  );
  rig.git('config', '--unset', 'user.email');
  rig.git('config', 'user.useConfigOnly', 'true');
  const start = await rig.run(['start', '--once']);
  assert.equal(start.code, 3, start.stdout);
  assert.match(start.stderr, /agents cannot commit: no email was given/);
  assert.match((await checks(rig)).find('identity').fix ?? '', /user\.email/);
  const head = rig.git('symbolic-ref', 'HEAD').trim();
  rig.git('symbolic-ref', 'HEAD', 'refs/heads/empty');
  assert.equal((await checks(rig)).find('identity').level, 'fail', 'the first commit needs a name, too');
  rig.git('symbolic-ref', 'HEAD', head);
  rig.git('config', 'user.email', 'a@example.com');
  rig.git('branch', '-m', 'orchestrate', 'another');
  rig.git('config', 'commit.gpgSign', 'true');
  rig.git('config', 'gpg.program', 'false');
  const warned = (await rig.run(['start', '--dry-run'])).stderr;
  for (const told of [/behind origin\/main/, /submodules are empty/, /commits are to be signed/])
    assert.match(warned, told);
});

test('a state.db that is none is named, with a way out', async () => {
  await using rig = await createCliRig();
  await rig.run(['init']);
  assert.equal((await checks(rig)).find('state').level, 'ok');
  rig.write('.claude/orchestrator/state.db', 'no database, whatever its name says');
  const { code, find } = await checks(rig);
  assert.equal(code, 3);
  assert.equal(find('state').level, 'fail');
  assert.match(find('state').fix ?? '', /mv .*state\.db /);
  const { all } = await checks(rig);
  assert.deepEqual(
    all.filter(({ message }) => message === find('state').message).map(({ name }) => name),
    ['state'],
    'it is told once, whatever it keeps from looking',
  );
});

test('outside a repository it still checks the tools', async () => {
  await using rig = await createCliRig({ repository: false });
  const { code, find } = await checks(rig);
  assert.equal(code, 3);
  assert.equal(find('git').level, 'ok');
  assert.equal(find('repository').level, 'fail');
});

test('tools that are missing or too old are each named', async () => {
  await using rig = await createCliRig();
  const node = join(process.execPath, '..');
  const empty = tools(rig, {});
  const none = await checks(rig, { PATH: empty });
  assert.equal(none.code, 3);
  assert.equal(none.find('git').level, 'fail');
  assert.equal(none.find('tmux').level, 'fail');
  assert.ok(!none.all.some(({ name }) => name === 'identity'), 'what is missing is said where it belongs');
  const old = tools(rig, { git: 'echo git version 2.30.1', tmux: 'echo tmux 2.9' });
  const outdated = await checks(rig, { PATH: `${old}:${node}` });
  assert.match(outdated.find('git').message, /2\.30\.1 is too old/);
  assert.match(outdated.find('tmux').message, /2\.9 is too old/);
});

test('missing files, a repository without a commit and a missing agent are failures with remedies', async () => {
  await using rig = await createCliRig();
  rig.git('checkout', '--quiet', '--orphan', 'empty');
  const { code, find } = await checks(rig, { ORCHESTRATE_AGENT_COMMAND: 'no-such-agent' });
  assert.equal(code, 3);
  assert.deepEqual([find('files').level, find('files').fix], ['fail', 'orchestrate init']);
  assert.equal(find('repository').level, 'fail');
  assert.match(find('agent').message, /no-such-agent/);
});

test('a broken configuration is one failure that names the key', async () => {
  await using rig = await createCliRig();
  rig.write('.claude/orchestrator/config.json', '{"maxWorkres": 1}');
  const { code, find } = await checks(rig);
  assert.equal(code, 3);
  assert.match(find('configuration').message, /unknown key "maxWorkres"/);
});

test('a corrupt store is a failure and stays as it is', async () => {
  await using rig = await createCliRig();
  const store = join(rig.home, 'tasks/project/tasks.db');
  rig.write(store, 'this is no database, and long enough to be read as one'.repeat(100));
  const before = rig.read(store);
  const { find, all } = await checks(rig);
  assert.equal(find('store').level, 'fail');
  assert.equal(all.filter(({ message }) => message === find('store').message).length, 1);
  assert.equal(rig.read(store), before);
});

test('a plan that start would refuse is a failure; one without streams is still to be made', async () => {
  await using rig = await createCliRig();
  await rig.run(['init']);
  await rig.run(['import', '-'], { input: JSON.stringify(planFile({ A: [] })) });
  const change = (sql: string): void => {
    const db = openCopilotDatabase(join(rig.home, 'tasks/project/tasks.db'), { create: false });
    db.prepare(sql).run();
    db.close();
  };
  change(`UPDATE tasks SET metadata = '{"streamId": "A", "dependencies": ["Gone"]}'`);
  const bad = (await checks(rig)).find('store');
  assert.deepEqual([bad.level, bad.fix], ['fail', 'orchestrate plan']);
  assert.match(bad.message, /depends on "Gone"/);
  change("UPDATE tasks SET metadata = '{}'");
  assert.equal((await checks(rig)).find('store').level, 'warn');
});

test("a workspace that is another project's is a failure", async () => {
  await using rig = await createCliRig();
  mkdirSync(join(rig.home, 'other'));
  rig.write(join(rig.home, 'tasks/project/tasks.db'), '');
  rig.write(join(rig.home, 'tasks/project/owner.json'), JSON.stringify({ project: join(rig.home, 'other') }));
  const { find } = await checks(rig);
  assert.equal(find('store').level, 'fail');
  assert.match(find('store').message, /belongs to another project/);
  assert.match(find('store').fix ?? '', /set "workspace" in \.claude\/orchestrator\/config\.json$/);
  const told = await checks(rig, { WORKSPACE_ID: 'project' });
  assert.match(told.find('store').fix ?? '', /set the variable WORKSPACE_ID$/);
  const env = { WORKSPACE_ID: 'project' };
  rig.write('.mcp.json', JSON.stringify({ mcpServers: { 'task-copilot': { command: 'x', env } } }));
  for (const text of [(await checks(rig)).find('store').fix, (await rig.run(['plan'])).stderr])
    assert.match(text ?? '', /set WORKSPACE_ID of the server "task-copilot" in \.mcp\.json\n?$/);
  rig.write(
    '.mcp.json',
    JSON.stringify({ mcpServers: { 'task-copilot': { env: { WORKSPACE_ID: 'a/b' } } } }),
  );
  assert.match(
    (await rig.run(['plan'])).stderr,
    /fix: set WORKSPACE_ID of .* in \.mcp\.json to a name without/,
  );
});

test('the text has a mark and, where something is wrong, a remedy for each', async () => {
  await using rig = await createCliRig();
  const { stdout, code } = await rig.run(['doctor']);
  assert.equal(code, 3);
  assert.match(stdout, /^✓ git: git /m);
  assert.match(stdout, /^✗ files: missing: .*\n {4}fix: orchestrate init$/m);
  const argv = ['sh', '-c', `'${process.execPath}' '${CLI_ENTRY}' doctor; read -r stay`];
  using narrow = openTerminal(argv, { columns: 60, rows: 60 }, rig.env, rig.root);
  await narrow.sees(/^Not ready/m);
  const names = '.claude/orchestrator/orchestrate,\n {9}.claude/orchestrator/check-streams,';
  assert.match(narrow.screen(), new RegExp(`^✗ files: missing: ${names}$`, 'm'), 'no word is broken');
});

test('where there are no gates it names init only where that would propose one', async () => {
  await using rig = await createCliRig();
  await rig.run(['init']);
  const fix = async () => (await checks(rig)).find('gates').fix ?? '';
  assert.match(await fix(), /^set "gates" in .*config\.json/);
  rig.write('package.json', '{"scripts": {"test": "node --test"}}');
  assert.equal(await fix(), 'orchestrate init');
});

test('it ends with a verdict, has no two checks of one name, and finds gates whose program is not there', async () => {
  await using rig = await createCliRig();
  await rig.run(['init']);
  const configure = (gates: readonly object[], more: object = {}) =>
    rig.write(
      '.claude/orchestrator/config.json',
      JSON.stringify({ agent: { kind: 'custom', command: 'true' }, gates, ...more }),
    );
  configure([{ name: 'test', command: 'CI=1 nosuchrunner -q && ./no/such.sh; test -f README.md | cat' }]);
  const wrong = await checks(rig);
  assert.equal(wrong.code, 3);
  assert.deepEqual(
    [wrong.find('gates').level, wrong.find('gates').message],
    ['fail', 'command not found: nosuchrunner, ./no/such.sh'],
  );
  const quoted = `grep -qE "proj|nosuch" README.md && grep -q 'a; nosuch' x\\|nosuch || true # no; nosuch`;
  configure([{ name: 'test', command: quoted }]);
  assert.equal((await checks(rig)).find('gates').level, 'ok', 'what is quoted begins no command');
  configure([{ name: 'test', command: 'nosuchrunner' }]);
  const names = wrong.all.filter(({ name }) => name !== 'worktrees').map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)]);
  const said = (await rig.run(['doctor'])).stdout.trimEnd().split('\n');
  assert.match(said.at(-1) ?? '', /^Not ready: 1 problem to fix, \d+ warnings?\.$/);
  configure([{ name: 'test', command: 'nosuchrunner' }], { worktree: { setup: ['true'] } });
  assert.equal((await checks(rig)).find('gates').level, 'warn', 'set-up may bring it');

  configure([{ name: 'file', command: 'test -f README.md' }]);
  await rig.run(['import', '-'], { input: JSON.stringify(planFile({ A: [] })) });
  const well = await rig.run(['doctor', '--run-gates']);
  assert.equal(well.code, 0, well.stdout);
  assert.match(well.stderr, /running gate "file"/);
  assert.match(well.stdout, /✓ gates on the base: all pass\n\nReady(, with \d+ warnings?)?\.\n$/);
  assert.match((await rig.run(['doctor', '--run-gates'])).stderr, /running gate "file"/, 'every time');
  configure([{ name: 'review', agent: true }]);
  const judged = await rig.run(['doctor', '--run-gates']);
  assert.match(judged.stdout, /✓ gates on the base: none of them is a command to run/);
  const long = join(rig.root, '..', 'gate-runs');
  configure([{ name: 'long', command: `: > '${long}'; exec sleep 300` }]);
  const child = rig.start(['doctor', '--run-gates']);
  await until('the gate runs', () => existsSync(long));
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  assert.equal(code, 130);
  assert.doesNotMatch(rig.git('worktree', 'list'), /_landing/, 'the worktree is removed again');
  configure([{ name: 'file', command: 'test -f README.md' }]);
  const lease = acquireLease(join(rig.root, '.claude/orchestrator/lock.db.landing'), 0);
  const busy = await rig.run(['doctor', '--run-gates']);
  lease?.release();
  assert.match(busy.stdout, /! gates on the base: not run: work is landing/);
  assert.doesNotMatch(busy.stderr, /running gate/);
  configure([{ name: 'file', command: 'echo x >> README.md' }]);
  const rewritten = await rig.run(['doctor', '--run-gates']);
  assert.match(
    rewritten.stdout,
    /✗ gates on the base: gate "file" passed only on what it changed itself \(README\.md\), log/,
  );
  assert.equal(
    (await rig.run(['doctor', '--run-gates'])).code,
    3,
    'nor is it taken for passed the next time',
  );
  configure([{ name: 'file', command: 'test -f nothing' }]);
  const red = await rig.run(['doctor', '--run-gates']);
  assert.equal(red.code, 3);
  assert.match(
    red.stdout,
    /✗ gates on the base: gate "file" failed \(exit 1\), log: .*\n {4}fix: mend the base first/,
  );
  assert.doesNotMatch(rig.git('worktree', 'list'), /_landing/, 'the worktree is removed again');
});

test('an MCP server that Claude Code was told not to use is found, wherever that was written down', async () => {
  await using rig = await createCliRig();
  const dir = tools(rig, { claude: 'echo "2.1.331 (Claude Code)"' });
  await rig.run(['init']);
  const look = async () => (await checks(rig, { PATH: `${dir}:${rig.env['PATH']}` })).find('mcp server');
  assert.deepEqual(
    [(await look()).level, (await look()).message],
    ['ok', 'Claude Code will ask once: choose to use task-copilot'],
  );
  rig.write(
    join(rig.home, '.claude.json'),
    JSON.stringify({ projects: { [rig.root]: { disabledMcpjsonServers: ['task-copilot'] } } }),
  );
  const rejected = await look();
  assert.equal(rejected.level, 'warn');
  assert.match(rejected.message, /was told not to use the MCP server task-copilot/);
  assert.match(rejected.fix ?? '', /^claude mcp reset-project-choices && claude$/);
  rig.write(join(rig.home, '.claude.json'), '{}');
  rig.write('.claude/settings.local.json', JSON.stringify({ enabledMcpjsonServers: ['task-copilot'] }));
  assert.equal((await look()).message, 'task-copilot is approved');
  rig.write('.claude/settings.local.json', JSON.stringify({ disabledMcpjsonServers: ['task-copilot'] }));
  assert.equal((await look()).level, 'warn');
  // Without hooks there is no fence either, which is asked for unless the user chose to have none.
  rig.write('.claude/settings.local.json', JSON.stringify({ disableAllHooks: true }));
  const hooks = async () => (await checks(rig, { PATH: `${dir}:${rig.env['PATH']}` })).find('hooks').level;
  assert.equal(await hooks(), 'fail');
  rig.write('.claude/orchestrator/config.json', JSON.stringify({ agent: { wall: 'none' } }));
  assert.equal(await hooks(), 'warn');
});

test('what git fails at is a failed check, and takes no other with it', async () => {
  await using rig = await createCliRig();
  await rig.run(['init']);
  const ends = `case "$*" in *"upstream:short"*) echo "fatal: no room" >&2; exit 128;; esac; PATH='${rig.env['PATH']}' exec git "$@"`;
  const { find } = await checks(rig, { PATH: `${tools(rig, { git: ends })}:${rig.env['PATH']}` });
  assert.deepEqual([find('base').level, /no room/.test(find('base').message)], ['fail', true]);
  assert.deepEqual([find('identity').level, find('names').level, find('refs').level], ['ok', 'ok', 'ok']);
});
