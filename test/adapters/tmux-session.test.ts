/** Our session on a real server: found, made once, kept apart from everyone else's, whatever the configuration. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { OrchestrateError } from '../../src/core/errors.ts';
import { createTmuxRig, identify, type TmuxRig } from '../support/tmux-rig.ts';
import { inTime, until } from '../support/wait.ts';

const HOSTILE = `
set -g base-index 1
setw -g pane-base-index 1
set -g destroy-unattached on
set -g default-shell /bin/false
set -g default-command 'exit'
setw -g automatic-rename on
setw -g allow-rename on
setw -g remain-on-exit off
setw -g synchronize-panes on
set -g renumber-windows on
set -g prefix None
set -g @orchestrate_role worker
set -g detach-on-destroy off
set-hook -g pane-died kill-pane
`;

/** Everything that others have on the server, as one hash. */
function others(rig: TmuxRig, ...names: string[]): string {
  const all = [
    rig.raw('list-sessions', '-F', '#{session_name} #{session_id} #{session_windows} #{session_created}'),
    rig.raw(
      'list-windows',
      '-a',
      '-F',
      '#{session_name} #{window_id} #{window_name} #{window_index} #{window_layout}',
    ),
    rig.raw('list-panes', '-a', '-F', '#{session_name} #{pane_id} #{pane_pid} #{pane_dead}'),
    rig.raw('show-options', '-s'),
    rig.raw('show-options', '-g'),
    rig.raw('show-options', '-gw'),
    rig.raw('list-keys'),
    rig.raw('show-hooks', '-g'),
    ...names.map((name) => rig.raw('show-options', '-t', name)),
  ];
  const lines = all.join('\n').split('\n');
  return createHash('sha256')
    .update(lines.filter((line) => !line.startsWith('orchestrate-')).join('\n'))
    .digest('hex');
}

test('no server is a look that found nothing, and looking starts none', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  const nothing = { known: true, value: { server: null, session: null, sessionId: null, panes: [] } };
  assert.deepEqual(await tmux.look(null), nothing);
  assert.match(await tmux.checkVersion(), /^\d|master|next/);
  assert.deepEqual(await tmux.look(null), nothing);
});

test('the session is made with its summary window, found again, and closed without a trace', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  const made = await tmux.ensureSession();
  assert.equal(made.session, 'orchestrate-app');
  assert.deepEqual(await rig.door().ensureSession(), made);
  const { panes } = await rig.facts(tmux);
  assert.deepEqual(
    panes.map(({ role, dead }) => ({ role, dead })),
    [{ role: 'summary', dead: false }],
  );
  assert.equal(
    rig.raw('list-windows', '-a', '-F', '#{session_name}:#{window_name}'),
    'orchestrate-app:status\n',
  );
  assert.equal(rig.raw('display-message', '-p', '-t', made.sessionId, '#{session_path}'), `${rig.root}\n`);
  await rig.closeAll(tmux);
  await until('the session ended', async () => (await rig.facts(tmux)).session === null);
});

test('a server that we start keeps nothing of the project or of our environment', async () => {
  await using rig = createTmuxRig('secret-project');
  const env = { ...process.env, API_KEY: 'of-the-starter' };
  const { server } = await rig.door({ env }).ensureSession();
  const pid = Number(server.split('|').at(-2));
  if (process.platform === 'linux') {
    const kept = readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8');
    assert.ok(!kept.includes('secret-project') && !kept.includes('of-the-starter'));
    assert.equal(readdirSync(`/proc/${pid}/cwd`).includes('proc'), true, 'its directory is /');
  }
  assert.ok(!rig.raw('show-environment', '-g').includes('of-the-starter'));
  assert.ok(!rig.raw('list-sessions').includes('boot'));
});

test('eight callers at once make one session with one summary', async () => {
  await using rig = createTmuxRig();
  const doors = Array.from({ length: 8 }, () => rig.door());
  const made = await Promise.all(doors.map((door) => door.ensureSession()));
  assert.equal(new Set(made.map(({ server, sessionId }) => `${server} ${sessionId}`)).size, 1);
  assert.equal(
    rig.raw('list-windows', '-a', '-F', '#{session_name}:#{window_name}'),
    'orchestrate-app:status\n',
  );
});

test('a hostile configuration changes nothing', async () => {
  await using rig = createTmuxRig('app', HOSTILE);
  const tmux = rig.door();
  const { sessionId } = await tmux.ensureSession();
  const runDir = rig.launch('stream-a', 1, 'printf "\\033kother\\033\\\\"; exit 3');
  const { pane } = await tmux.openWindow({ key: 'stream-a', run: 1, runDir, keepOnExit: true });
  const ended = await until(
    'the worker ended',
    async () => (await rig.facts(tmux)).panes.find((each) => each.id === pane && each.dead) ?? null,
  );
  assert.equal(ended.exitCode, 3);
  assert.equal((await tmux.ensureSession()).sessionId, sessionId);
  assert.deepEqual(rig.raw('list-windows', '-t', sessionId, '-F', '#{window_name}').trim().split('\n'), [
    'status',
    'stream-a',
  ]);
});

test('what others have on the server stays as it is', async () => {
  await using rig = createTmuxRig();
  rig.raw('new-session', '-d', '-s', 'orchestrate-app2', '-n', 'stream-a2', 'sleep', '1000');
  rig.raw('new-session', '-d', '-s', 'work', '-n', 'stream-a', 'sleep', '1000');
  const before = others(rig, 'orchestrate-app2', 'work');
  const tmux = rig.door();
  await tmux.ensureSession();
  const runDir = rig.launch('stream-a', 1, 'exec sleep 1000');
  const opened = await tmux.openWindow({ key: 'stream-a', run: 1, runDir, keepOnExit: true });
  await tmux.typeText(opened.pane, 'hello');
  await tmux.message('hello');
  assert.equal(others(rig, 'orchestrate-app2', 'work'), before);
  const strangers = rig.raw('list-panes', '-t', 'work', '-F', '#{pane_id}').trim();
  await tmux.closePane(strangers, { key: 'stream-a', run: 1 });
  await assert.rejects(tmux.typeText(strangers, 'x'), OrchestrateError);
  await assert.rejects(tmux.sendKey(strangers, 'C-c'), OrchestrateError);
  await tmux.closePane(opened.pane, { key: 'stream-a', run: 1 });
  await rig.closeAll(tmux);
  await until('our session ended', async () => (await rig.facts(tmux)).session === null);
  assert.equal(others(rig, 'orchestrate-app2', 'work'), before);
});

test("a stranger's session of our name is left alone, and ours gets another", async () => {
  await using rig = createTmuxRig();
  rig.raw('new-session', '-d', '-s', 'orchestrate-app', 'sleep', '1000');
  const tmux = rig.door();
  const { session, sessionId } = await tmux.ensureSession();
  assert.match(session, /^orchestrate-app-[0-9a-f]{4}$/);
  assert.equal(tmux.attachCommand(), `tmux -L ${rig.socket} attach -t '=${session}'`);
  const twin = rig.door({
    projectRoot: rig.dir,
    prepareSummary: () => rig.launch('twin', 1, 'exec sleep 1000'),
  });
  assert.notEqual((await twin.ensureSession()).sessionId, sessionId);
  await rig.closeAll(tmux);
  assert.ok(rig.raw('list-sessions', '-F', '#{session_name}').includes('orchestrate-app\n'));
  assert.equal((await rig.facts(twin)).panes.length, 1);
});

test('two projects with directories of the same name share nothing', async () => {
  await using one = createTmuxRig();
  await using two = createTmuxRig();
  const mine = one.door();
  const theirs = two.door({ socket: one.socket });
  await mine.ensureSession();
  await theirs.ensureSession();
  await theirs.openWindow({
    key: 'a',
    run: 1,
    runDir: two.launch('a', 1, 'exec sleep 1000'),
    keepOnExit: true,
  });
  assert.equal((await one.facts(mine)).panes.length, 1);
  assert.equal((await two.facts(theirs)).panes.length, 2);
});

test('our session is found under another name, our panes in other sessions, and no one else is ours', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  const { sessionId } = await tmux.ensureSession();
  const { pane } = await tmux.openWindow({
    key: 'a',
    run: 4,
    runDir: rig.launch('a', 4, 'exec sleep 1000'),
    keepOnExit: true,
  });
  rig.raw('rename-session', '-t', sessionId, 'my | own;name');
  rig.raw('new-session', '-d', '-s', 'theirs', 'sleep', '1000');
  rig.raw('move-window', '-s', pane, '-t', 'theirs:');
  rig.raw('split-window', '-d', '-t', pane, 'sleep', '1000');
  rig.raw('new-window', '-d', '-t', sessionId, 'sleep', '1000');
  const facts = await rig.facts(tmux);
  assert.equal(facts.sessionId, sessionId);
  assert.equal(facts.session, 'my | own;name');
  assert.deepEqual(
    facts.panes.map(({ role, key, run, session }) => ({ role, key, run, session })),
    [
      { role: 'summary', key: '', run: 0, session: 'my | own;name' },
      { role: 'worker', key: 'a', run: 4, session: 'theirs' },
    ],
  );
  await rig.closeAll(tmux);
  assert.equal((await rig.facts(tmux)).sessionId, sessionId, "the user's own window keeps the session");
  assert.equal(rig.raw('list-panes', '-a', '-F', 'x'), 'x\nx\nx\n');
});

test('a summary that was closed or has ended is opened again', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  await tmux.openWindow({
    key: 'a',
    run: 1,
    runDir: rig.launch('a', 1, 'exec sleep 1000'),
    keepOnExit: true,
  });
  const summary = async () => (await rig.facts(tmux)).panes.filter((each) => each.role === 'summary');
  const [first] = await summary();
  rig.raw('kill-pane', '-t', first?.id ?? '');
  await tmux.ensureSession();
  const [second, ...more] = await summary();
  assert.ok(second !== undefined && second.id !== first?.id && more.length === 0);
  process.kill(second.pid, 'SIGKILL');
  await until('it is dead', async () => (await summary())[0]?.dead === true);
  await tmux.ensureSession();
  const now = await summary();
  assert.deepEqual(
    now.map(({ dead }) => dead),
    [false],
  );
});

test("the user's kill-server is a look that found nothing, and the next session is on another server", async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  const first = await tmux.ensureSession();
  rig.raw('kill-server');
  await until('the server ended', () => identify(Number(first.server.split('|').at(-2))) === null);
  const seen = await tmux.look(first.server);
  assert.deepEqual(seen, { known: true, value: { server: null, session: null, sessionId: null, panes: [] } });
  assert.notEqual((await tmux.ensureSession()).server, first.server);
});

test('a server without any session is known, and empty', async () => {
  await using rig = createTmuxRig('app', 'set -s exit-empty off');
  rig.raw('new-session', '-d', '-s', 'x', 'sleep', '1000', ';', 'kill-session', '-t', 'x');
  const facts = await rig.facts(rig.door());
  assert.ok(facts.server !== null && facts.session === null && facts.panes.length === 0);
  assert.match(await rig.door().checkVersion(), /./);
});

test('a socket removed under a living server is restored, and no second server is started', async () => {
  await using rig = createTmuxRig();
  const { server } = await rig.door().ensureSession();
  const path = server.split('|')[0] ?? '';
  rmSync(path);
  const another = await rig.door().look(null);
  assert.ok(another.known && another.value.server === null, 'who knows of no server finds none');
  const told: string[] = [];
  const tmux = rig.door({ onSocketRestored: (message) => void told.push(message) });
  const seen = await tmux.look(server);
  assert.ok(seen.known);
  assert.equal(seen.value.server, server);
  await tmux.look(server);
  assert.deepEqual(told, ['the socket of the tmux server was gone; the server made it again']);
  rmSync(path);
  assert.equal((await tmux.ensureSession()).server, server, 'a door remembers the server it saw');
});

test('a server whose whole socket directory was cleaned away is found again', async () => {
  await using rig = createTmuxRig();
  // Of its own: the usual directory is everybody's.
  const temporary = join(rig.dir, 'own');
  mkdirSync(temporary);
  const { TMUX: _outer, TMUX_PANE: _pane, ...usual } = process.env;
  const env = { ...usual, TMUX_TMPDIR: temporary };
  const { server } = await rig.door({ env }).ensureSession();
  assert.ok(server.startsWith(`${temporary}/`), server);
  rmSync(temporary, { recursive: true });
  try {
    const seen = await rig.door({ env }).look(server);
    assert.ok(seen.known, seen.known ? '' : seen.why);
    assert.equal(seen.value.server, server);
  } finally {
    process.kill(Number(server.split('|').at(-2)), 'SIGTERM');
  }
});

test('a server that cannot restore its socket is unknown, not gone', async () => {
  await using rig = createTmuxRig();
  const { server } = await rig.door().ensureSession();
  const pid = Number(server.split('|').at(-2));
  process.kill(pid, 'SIGSTOP');
  rmSync(server.split('|')[0] ?? '');
  try {
    const seen = await rig.door().look(server);
    assert.ok(!seen.known);
    assert.match(seen.why, /lives, but its socket .* is lost/);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until('the socket is back', () => existsSync(server.split('|')[0] ?? ''));
});

test('a server that does not answer is unknown within the limit of a call, and holds nobody up', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  const { server } = await tmux.ensureSession();
  const pid = Number(server.split('|').at(-2));
  const late = () => 'it was waited for';
  process.kill(pid, 'SIGSTOP');
  try {
    const seen = await inTime(rig.door().look(server), late);
    assert.ok(!seen.known);
    assert.equal(seen.why, `the tmux server does not answer (pid ${pid})`);
    const leaving = new AbortController();
    const waiting = assert.rejects(tmux.waitForSignal(leaving.signal), { name: 'AbortError' });
    leaving.abort();
    await inTime(waiting, late);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
});

test('garbage from tmux is unknown, never empty', async () => {
  await using rig = createTmuxRig();
  const bin = join(rig.dir, 'bin');
  mkdirSync(bin);
  const say = (script: string) => {
    writeFileSync(join(bin, 'tmux'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return rig.door({ env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` } });
  };
  for (const script of ['echo hello', 'exit 1', 'echo "lost server" >&2; exit 1', 'true', 'kill -9 $$']) {
    assert.equal((await say(script).look(null)).known, false, script);
  }
  await assert.rejects(say('echo "server exited" >&2; exit 1').ensureSession(), { exitCode: 3 });
});

test('a tmux that is missing, too old or unknown is an environment problem with its remedy', async () => {
  await using rig = createTmuxRig();
  const bin = join(rig.dir, 'bin');
  mkdirSync(bin);
  const door = rig.door({ env: { PATH: bin } });
  await assert.rejects(door.checkVersion(), { exitCode: 3, message: /not installed/, fix: /install tmux/ });
  await assert.rejects(door.ensureSession(), { exitCode: 3, message: /not installed/ });
  assert.equal((await door.look(null)).known, false);
  writeFileSync(join(bin, 'tmux'), '#!/bin/sh\necho tmux 2.9\n', { mode: 0o755 });
  await assert.rejects(door.checkVersion(), {
    exitCode: 3,
    message: /2\.9 is too old/,
    fix: /install tmux 3\.2/,
  });
});

test('a socket directory that cannot be used is an environment problem with its cause', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'orchestrate-tmpdir-'));
  await using rig = createTmuxRig();
  const within = (TMUX_TMPDIR: string) => rig.door({ env: { ...process.env, TMUX_TMPDIR } });
  try {
    const open = join(dir, `tmux-${process.getuid?.() ?? 0}`);
    mkdirSync(open);
    chmodSync(open, 0o777);
    const long = join(dir, 'x'.repeat(120));
    mkdirSync(long);
    const cases: [string, RegExp][] = [
      [dir, /unsafe permissions/],
      [long, /too long/],
      [join(rig.dir, 'tmux.conf'), /Not a directory/],
    ];
    for (const [path, cause] of cases) {
      await assert.rejects(within(path).checkVersion(), { exitCode: 3, message: cause, fix: /TMUX_TMPDIR/ });
      await assert.rejects(within(path).ensureSession(), { exitCode: 3, message: cause, fix: /TMUX_TMPDIR/ });
      assert.equal((await within(path).look(null)).known, false);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});
