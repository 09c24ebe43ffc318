/** Windows of workers on a real server: tags, exit status, log, signals, typing, and text that stays text. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ifPresent } from '../../src/files/present.ts';
import { projectTag } from '../../src/tmux/names.ts';
import { preparePaneLog } from '../../src/tmux/pane-log.ts';
import type { Tmux } from '../../src/tmux/types.ts';
import { createTmuxRig, identify, type TmuxRig } from '../support/tmux-rig.ts';
import { DEADLINE_MS, until } from '../support/wait.ts';

/** Opens a worker's window whose agent is an sh script. */
function open(rig: TmuxRig, tmux: Tmux, key: string, script: string, run = 1) {
  return tmux.openWindow({ key, run, runDir: rig.launch(key, run, script), keepOnExit: true });
}

const paneOf = async (rig: TmuxRig, tmux: Tmux, pane: string) =>
  (await rig.facts(tmux)).panes.find((each) => each.id === pane) ?? null;

const deadPane = (rig: TmuxRig, tmux: Tmux, pane: string) =>
  until(`${pane} is dead`, async () => {
    const found = await paneOf(rig, tmux, pane);
    return found?.dead === true ? found : null;
  });

/** A control client: it attaches to a session without a terminal, and what tmux tells it can be read. */
function controlClient(rig: TmuxRig, session: string) {
  const { TMUX: _outer, ...env } = process.env;
  const child = spawn('tmux', ['-u', '-L', rig.socket, '-C', 'attach-session', '-t', session], { env });
  let heard = '';
  child.stdout.on('data', (data) => {
    heard += String(data);
  });
  return { heard: () => heard, [Symbol.dispose]: () => void child.kill() };
}

test('a window is tagged, named after its stream, and takes no focus', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  const opened = await open(rig, tmux, 'stream-a', 'exec sleep 1000', 7);
  const pane = await paneOf(rig, tmux, opened.pane);
  assert.deepEqual(
    { ...pane, windowId: '', id: '' },
    {
      id: '',
      windowId: '',
      session: 'orchestrate-app',
      role: 'worker',
      key: 'stream-a',
      run: 7,
      pid: opened.pid,
      dead: false,
      exitCode: null,
    },
  );
  assert.equal(opened.server, (await rig.facts(tmux)).server);
  assert.equal(
    rig.raw('list-windows', '-a', '-F', '#{window_name} #{window_active}'),
    'status 1\nstream-a 0\n',
  );
});

test("hooks of the user's that split, add, rename and fail act on our windows, and never turn a command on another pane", async () => {
  const side = 'sleep 1000';
  await using rig = createTmuxRig(
    'app',
    [
      `set-hook -g after-new-window 'split-window -h -b -l 30 "${side}" ; new-window -a "${side}" ; no-such-command'`,
      `set-hook -g after-new-session 'split-window -h -b "${side}" ; new-window "${side}" ; kill-window -t nowhere'`,
      `set-hook -g after-split-window 'rename-window theirs ; select-layout even-vertical'`,
      `set-hook -g session-created 'rename-window -t : theirs'`,
      `set-hook -g window-linked 'display-message x'`,
      'set -g remain-on-exit on',
      '',
    ].join('\n'),
  );
  const tmux = rig.door();
  const { session } = await tmux.ensureSession();
  const a = await open(rig, tmux, 'a', 'echo quick; exit 7');
  const b = await open(rig, tmux, 'b', 'exec sleep 1000');
  assert.equal((await deadPane(rig, tmux, a.pane)).exitCode, 7);
  const ours = (await rig.facts(tmux)).panes;
  assert.deepEqual(ours.map(({ role, key }) => `${role} ${key}`).sort(), [
    'summary ',
    'worker a',
    'worker b',
  ]);
  for (const { id, pid } of ours.filter(({ dead }) => !dead)) {
    const title = rig.raw('display-message', '-p', '-t', id, '#{pane_start_command}');
    assert.match(title, /wrapper|keeper/, `${id} (${pid}) is not the one that was made`);
  }
  assert.equal((await paneOf(rig, tmux, b.pane))?.pid, b.pid);
  const log = join(rig.root, '.claude/orchestrator/runs/a-1/pane.log');
  await until('the log is written', () => readFileSync(log, 'utf8').includes('quick'));
  assert.deepEqual(
    await rig
      .door()
      .ensureSession()
      .then((found) => found.session),
    session,
  );
  await tmux.closePane(a.pane, { key: 'a', run: 1 });
  await tmux.closePane(b.pane, { key: 'b', run: 1 });
  assert.deepEqual(
    (await rig.facts(tmux)).panes.map(({ role }) => role),
    ['summary'],
  );
});

test('an agent that ends at once leaves its exit status, its output and a signal', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  const scripts = [
    'echo said; exit 0',
    'echo said; exit 3',
    'echo said; kill -KILL $$',
    'echo said; kill -TERM $$',
  ];
  const codes: (number | null)[] = [];
  for (const [i, script] of scripts.entries()) {
    const { pane } = await open(rig, tmux, `s${i}`, script);
    await tmux.waitForSignal(AbortSignal.timeout(DEADLINE_MS));
    codes.push((await deadPane(rig, tmux, pane)).exitCode);
    const log = join(rig.root, '.claude/orchestrator/runs', `s${i}-1`, 'pane.log');
    await until('the log is written', () => readFileSync(log, 'utf8') === 'said\r\n');
    assert.equal(statSync(log).mode & 0o777, 0o600);
  }
  assert.deepEqual(codes, [0, 3, 137, 143]);
});

test('of a hundred agents that end as soon as they have written none loses a word', {
  timeout: 300_000,
}, async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  const line = 'a line of an agent that has much to say';
  const script = `i=0; while [ $i -lt 1500 ]; do echo '${line}'; i=$((i+1)); done; echo said`;
  const whole = `${`${line}\r\n`.repeat(1_500)}said\r\n`;
  for (let from = 0; from < 100; from += 20) {
    const keys = Array.from({ length: 20 }, (_, i) => `s${from + i}`);
    const panes = await Promise.all(keys.map(async (key) => (await open(rig, tmux, key, script)).pane));
    await until('all are dead', async () =>
      (await rig.facts(tmux)).panes.every(({ id, dead }) => dead || !panes.includes(id)),
    );
    for (const [i, pane] of panes.entries()) {
      // tmux moves the screen up by a line to say that the pane is dead.
      assert.match(await tmux.capture(pane, { history: 10 }), /^said$/m, keys[i]);
      const log = join(rig.root, '.claude/orchestrator/runs', `${keys[i]}-1`, 'pane.log');
      await until('the log is written', () => readFileSync(log, 'utf8') === whole);
      await tmux.closePane(pane, { key: keys[i] ?? '', run: 1 });
    }
  }
});

test('what an agent leaves in the background does not keep its pane', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  const { pane } = await open(rig, tmux, 'a', 'sleep 60 & exit 6');
  assert.equal((await deadPane(rig, tmux, pane)).exitCode, 6);
});

test('a Ctrl-C, a stop and a closed window reach the agent as they would reach the process of the pane', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  const said = (name: string): string => {
    const file = join(rig.root, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  const steps = `trap 'echo INT >> a; exit 7' INT; trap 'echo HUP >> b; exit 8' HUP`;
  const first = await open(rig, tmux, 'a', `${steps}; echo ready >> a; while :; do sleep 0.1; done`);
  await until('it is ready', () => said('a') === 'ready\n');
  await tmux.sendKey(first.pane, 'C-c');
  assert.equal((await deadPane(rig, tmux, first.pane)).exitCode, 7);
  assert.equal(said('a'), 'ready\nINT\n');
  const stopping = await open(rig, tmux, 'c', 'kill -STOP $$; exit 9');
  assert.equal((await deadPane(rig, tmux, stopping.pane)).exitCode, 9, 'it goes on');
  const second = await open(rig, tmux, 'b', `${steps}; echo $$ >> b; while :; do sleep 0.1; done`);
  const pid = Number(await until('it is ready', () => said('b').trim() || null));
  rig.raw('kill-pane', '-t', second.pane);
  await until('both have ended', () => identify(pid) === null && identify(second.pid) === null);
  assert.equal(said('b'), `${pid}\nHUP\n`);
});

test('thirty windows asked for at once are all there, each once, with its exit status', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  await Promise.all(Array.from({ length: 30 }, (_, i) => open(rig, tmux, `s-${i}`, `exit ${i}`)));
  const workers = await until('all are dead', async () => {
    const found = (await rig.facts(tmux)).panes.filter((pane) => pane.role === 'worker');
    return found.length === 30 && found.every((pane) => pane.dead) ? found : null;
  });
  assert.deepEqual(new Set(workers.map((pane) => `${pane.key} ${pane.exitCode}`)).size, 30);
  assert.ok(workers.every((pane) => pane.key === `s-${pane.exitCode}`));
});

/** Waits for a signal; true when one came before the deadline. */
async function signalled(tmux: Tmux, deadlineMs = DEADLINE_MS): Promise<boolean> {
  const abort = AbortSignal.timeout(deadlineMs);
  return tmux.waitForSignal(abort).then(
    () => true,
    (error: unknown) => {
      assert.equal(error, abort.reason);
      return false;
    },
  );
}

test('signals are kept while nobody waits, also when several came, and one wait answers them all', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  for (const times of [1, 2, 3]) {
    for (let i = 0; i < times; i++)
      await deadPane(rig, tmux, (await open(rig, tmux, `s${times}-${i}`, 'exit 1')).pane);
    assert.ok(await signalled(tmux), `${times}`);
    assert.ok(!(await signalled(tmux, 150)));
  }
});

test('the end of two workers while nobody waits, and the closing of a window, are heard', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  const a = await open(rig, tmux, 'a', 'exit 1');
  const b = await open(rig, tmux, 'b', 'exit 1');
  await deadPane(rig, tmux, a.pane);
  await deadPane(rig, tmux, b.pane);
  assert.ok(await signalled(tmux));
  const waiting = signalled(tmux);
  rig.raw('kill-pane', '-t', a.pane);
  assert.ok(await waiting);
});

test('waiting ends with its abort or the server, and fails when there is nothing to wait on', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await assert.rejects(tmux.waitForSignal(AbortSignal.timeout(DEADLINE_MS)), { exitCode: 3 });
  await tmux.ensureSession();
  await assert.rejects(tmux.waitForSignal(AbortSignal.abort()), { name: 'AbortError' });
  assert.ok(!(await signalled(tmux, 50)));
  // What waits takes the sign of the waits before away, and only then waits.
  rig.raw('set-option', '-t', 'orchestrate-app', '@orchestrate_pending', 'before');
  const waiting = signalled(tmux);
  await until('it waits', () => !rig.raw('show-options', '-t', 'orchestrate-app').includes('before'));
  rig.raw('kill-server');
  assert.ok(await waiting);
  await assert.rejects(tmux.waitForSignal(AbortSignal.timeout(DEADLINE_MS)), { exitCode: 3 });
});

const RUN_LOG = '.claude/orchestrator/runs/a-1/pane.log';

for (const name of ['a#(touch pwn);b\'"$x `touch pwn` ;', 'line\nbreak', '-leading #{pane_id} 日本']) {
  test(`a project in ${JSON.stringify(name)} works, and nothing of its name is run`, async () => {
    await using rig = createTmuxRig(name);
    const tmux = rig.door();
    const { sessionId } = await tmux.ensureSession();
    const { pane } = await open(
      rig,
      tmux,
      'a',
      `pwd > ./worked-in; echo said; until test -s ${RUN_LOG}; do sleep 0.05; done; exit 5`,
    );
    assert.equal((await deadPane(rig, tmux, pane)).exitCode, 5);
    assert.equal(readFileSync(join(rig.root, 'worked-in'), 'utf8'), `${rig.root}\n`);
    const log = join(rig.root, RUN_LOG);
    await until('the log is written', () => readFileSync(log, 'utf8') === 'said\r\n');
    assert.equal((await tmux.ensureSession()).sessionId, sessionId);
    await tmux.message(name);
    const found = readdirSync(rig.dir, { recursive: true, encoding: 'utf8' });
    assert.ok(!found.some((path) => path.endsWith('pwn')), found.join('\n'));
    assert.ok(!existsSync('pwn') && !existsSync('/pwn'));
  });
}

test('typed text arrives as it is, whatever tmux or a shell would make of it', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  const { pane } = await open(rig, tmux, 'a', 'stty -icanon min 1; echo ready; exec cat > typed');
  await until('it reads', async () => (await tmux.capture(pane)).includes('ready'));
  const texts = [
    'plain',
    'ends in ;',
    'ends in \\;',
    ';',
    '-l -t %0',
    'Enter',
    'C-c Up',
    '#(touch pwn) #{pane_id} $(touch pwn) `touch pwn`',
    `quotes ' " and é 日本 😀`,
    '~tilde',
    `long ${'0123456789;'.repeat(900)}`,
  ];
  for (const text of texts) await tmux.typeText(pane, text);
  await tmux.typeText(pane, 'two\nlines\u001b[A\u0003\tend');
  const want = `${[...texts, 'two lines[A end'].join('\n')}\n`;
  const typed = () => readFileSync(join(rig.root, 'typed'), 'utf8');
  await until('all arrived', () => typed().length >= want.length);
  assert.equal(typed(), want);
  assert.ok(!existsSync(join(rig.root, 'pwn')));
});

test('typing leaves copy mode first, and is refused where it would reach nobody', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  const { pane } = await open(rig, tmux, 'a', 'read line; echo "got $line"; exit 4');
  rig.raw('copy-mode', '-t', pane);
  await tmux.typeText(pane, 'q');
  assert.equal((await deadPane(rig, tmux, pane)).exitCode, 4);
  assert.match(await tmux.capture(pane, { history: 10 }), /got q/);
  await tmux.closePane(pane, { key: 'a', run: 1 });
  await tmux.closePane(pane, { key: 'a', run: 1 });
  await assert.rejects(tmux.typeText(pane, 'x'), { exitCode: 5, message: /is gone or not one of ours/ });
  await assert.rejects(tmux.capture(pane), { exitCode: 3 });
});

test('keys are pressed, and the screen is read with and without colours', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  const { pane } = await open(
    rig,
    tmux,
    'a',
    'trap \'printf "\\033[31mred\\033[0m\\n"; exit 6\' INT; echo up; while :; do sleep 0.05; done',
  );
  await until('it is up', async () => (await tmux.capture(pane)).includes('up'));
  await tmux.sendKey(pane, 'C-c');
  assert.equal((await deadPane(rig, tmux, pane)).exitCode, 6);
  assert.match(await tmux.capture(pane), /^(\^C)?red$/m);
  assert.ok((await tmux.capture(pane, { colours: true })).includes('\u001b[31m'));
});

test('a pane is closed only as the pane of the run that was meant', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  const { pane } = await open(rig, tmux, 'a', 'exec sleep 1000', 2);
  await tmux.closePane(pane, { key: 'a', run: 1 });
  await tmux.closePane(pane, { key: 'b', run: 2 });
  assert.ok(await paneOf(rig, tmux, pane));
  await tmux.closePane(pane, { key: 'a', run: 2 });
  assert.equal(await paneOf(rig, tmux, pane), null);
});

/** What a program may set an option of its own pane to. */
const HOSTILE = [
  '',
  'b',
  '-1',
  'a|b',
  'x\nP|%0|@0|1|1|0||worker|b|1|s',
  'x\nS|1|1|3.4|/s',
  '#{pid}},#(touch pwn)',
  '\u0001\u001b[2J',
  'é'.repeat(5_000),
];

test('whatever a worker makes of the tags of its own pane: it stays the pane of its run, and no other pane changes', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  const own = await open(rig, tmux, 'a', 'exec sleep 1000', 1);
  const other = await open(rig, tmux, 'b', 'exec sleep 1000', 1);
  const recorded = [
    { id: own.pane, server: own.server, key: 'a', run: 1 },
    { id: other.pane, server: other.server, key: 'b', run: 1 },
  ];
  const names = ['project', 'role', 'key', 'run', 'shown', 'place', 'layout', 'urgent', 'label', 'session'];
  for (const value of HOSTILE) {
    for (const name of names) rig.raw('set-option', '-p', '-t', own.pane, `@orchestrate_${name}`, value);
    const seen = await rig.door().look(null, recorded);
    assert.ok(seen.known, JSON.stringify(value));
    assert.deepEqual(
      seen.value.panes.map(({ id, role, key, run, dead }) => [id, role, key, run, dead]).slice(1),
      [
        [own.pane, 'worker', 'a', 1, false],
        [other.pane, 'worker', 'b', 1, false],
      ],
      JSON.stringify(value),
    );
    assert.ok(seen.value.view, `the view is known too: ${JSON.stringify(value)}`);
  }
  // With the tags of another's run, and nothing written down of itself: it takes nobody's place.
  for (const [name, value] of [
    ['project', projectTag(rig.root)],
    ['role', 'worker'],
    ['key', 'b'],
    ['run', '1'],
  ])
    rig.raw('set-option', '-p', '-t', own.pane, `@orchestrate_${name}`, String(value));
  const seen = await tmux.look(null, recorded.slice(1));
  assert.deepEqual(seen.known && seen.value.panes.map(({ id }) => id).slice(1), [other.pane]);
  // It is typed to and closed as what it is.
  await tmux.look(null, recorded);
  rig.raw('set-option', '-p', '-t', own.pane, '@orchestrate_project', 'x');
  await tmux.typeText(own.pane, 'hello');
  await tmux.closePane(own.pane, { key: 'b', run: 1 });
  await tmux.closePane(own.pane, { key: 'a', run: 2 });
  assert.ok(await paneOf(rig, tmux, own.pane));
  await tmux.closePane(own.pane, { key: 'a', run: 1 });
  assert.equal(await paneOf(rig, tmux, own.pane), null);
  assert.ok(await paneOf(rig, tmux, other.pane));
  assert.ok(!existsSync(join(rig.root, 'pwn')));
});

test('what was written down of a pane counts on its own server alone', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  const { pane } = await open(rig, tmux, 'a', 'exec sleep 1000', 1);
  const stranger = rig.raw('new-window', '-d', '-P', '-F', '#{pane_id}', 'sleep', '1000').trim();
  const recorded = [pane, stranger].map((id) => ({ id, server: '/tmp/other|1|1/1', key: 'z', run: 9 }));
  const seen = await tmux.look(null, recorded);
  assert.deepEqual(seen.known && seen.value.panes.map(({ id, key }) => [id, key]).slice(1), [[pane, 'a']]);
  await assert.rejects(tmux.typeText(stranger, 'x'), { exitCode: 5 });
  await tmux.closePane(stranger, { key: 'z', run: 9 });
  assert.ok(rig.raw('list-panes', '-a', '-F', '#{pane_id}').includes(`${stranger}\n`));
});

test('the orchestrator has one window, opened again after it ended', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  const first = await tmux.openOrchestrator(rig.launch('orchestrator', 1, 'exec sleep 1000'));
  assert.deepEqual(await tmux.openOrchestrator(rig.launch('orchestrator', 2, 'exec sleep 1000')), first);
  process.kill(first.pid, 'SIGKILL');
  await deadPane(rig, tmux, first.pane);
  const second = await tmux.openOrchestrator(rig.launch('orchestrator', 3, 'exec sleep 1000'));
  const found = (await rig.facts(tmux)).panes.filter((pane) => pane.role === 'orchestrator');
  assert.deepEqual(
    found.map(({ id, pid }) => ({ pane: id, pid })),
    [second],
  );
});

test('a window is opened in a new session when the one last seen has ended, and in no other of its id', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  const before = await tmux.ensureSession();
  rig.raw('kill-server');
  for (const name of ['x', 'y', 'z']) {
    await until('a new server', () => {
      try {
        return rig.raw('new-session', '-d', '-s', name, 'sleep', '1000') === '';
      } catch {
        return false;
      }
    });
  }
  const opened = await open(rig, tmux, 'a', 'exec sleep 1000');
  assert.notEqual(opened.server, before.server);
  assert.equal((await paneOf(rig, tmux, opened.pane))?.session, 'orchestrate-app');
  for (const name of ['x', 'y', 'z']) assert.equal(rig.raw('list-windows', '-t', name, '-F', 'x'), 'x\n');
});

test('a message is shown to those who look at our session, as text', async () => {
  await using rig = createTmuxRig();
  await using elsewhere = createTmuxRig();
  const tmux = rig.door();
  const { session } = await tmux.ensureSession();
  rig.raw('new-session', '-d', '-s', 'theirs', 'sleep', '1000');
  const attached = ['env', '-u', 'TMUX', 'tmux', '-L', rig.socket, 'attach', '-t'];
  const terminal = (name: string) =>
    elsewhere
      .raw('new-session', '-d', '-P', '-F', '#{pane_id}', '-x', '120', '-y', '20', ...attached, name)
      .trim();
  const [ours, theirs] = [terminal(session), terminal('theirs')];
  await until('both are attached', () => rig.raw('list-clients').trim().split('\n').length === 2);
  const text = '-x #(touch pwn) #{pid} it\'s "done";';
  await tmux.message(`${text}\u0007`);
  await until('it is shown', () => elsewhere.raw('capture-pane', '-p', '-t', ours).includes(text));
  assert.ok(!elsewhere.raw('capture-pane', '-p', '-t', theirs).includes('done'));
  assert.ok(!existsSync(join(rig.root, 'pwn')) && !existsSync('pwn') && !existsSync('/pwn'));
});

test('attaching switches the client inside the same server, and attaches from anywhere else', async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  const { session } = await tmux.ensureSession();
  const { pane } = await open(rig, tmux, 'stream-a', 'exec sleep 1000');
  const script = join(rig.dir, 'attach.mts');
  const door = JSON.stringify({ projectRoot: rig.root, socket: rig.socket });
  writeFileSync(
    script,
    `import { createTmux } from ${JSON.stringify(join(import.meta.dirname, '../../src/tmux/tmux.ts'))};
     const tmux = createTmux({ ...${door}, env: process.env, identify: () => null, prepareSummary: () => '' });
     process.exitCode = await tmux.attach(process.argv[2] || null);`,
  );
  const attach = ['node', '--import', import.meta.resolve('tsx'), script];
  rig.raw('new-session', '-d', '-s', 'theirs', '-n', 'mine', 'sleep', '1000');
  using _client = controlClient(rig, 'theirs');
  const clients = () => rig.raw('list-clients', '-F', '#{client_session} #{window_name}').trim();
  await until('a client looks at theirs', () => clients() === 'theirs mine');
  rig.raw('new-window', '-d', '-t', 'theirs:', ...attach, pane);
  await until('it looks at the worker', () => clients() === `${session} stream-a`);
  await using elsewhere = createTmuxRig();
  elsewhere.raw('new-session', '-d', '-x', '80', '-y', '24', ...attach);
  await until('a second client is attached', () => clients().split('\n').length === 2);
  const nobody = rig.door({ projectRoot: rig.dir });
  await assert.rejects(nobody.attach(null), { exitCode: 6, fix: /orchestrate start/ });
});

test('the log goes through a directory of ours alone, or there is none', async () => {
  await using rig = createTmuxRig();
  const runDir = join(rig.root, 'runs', 'a-1');
  mkdirSync(runDir, { recursive: true });
  const shared = join(rig.dir, 'shared');
  mkdirSync(shared);
  const private_ = join(shared, `orchestrate-${process.getuid?.() ?? 0}`);
  const link = join(private_, projectTag(rig.root));
  assert.deepEqual(preparePaneLog(rig.root, runDir, shared), { path: join(link, 'runs/a-1/pane.log') });
  assert.equal(statSync(private_).mode & 0o777, 0o700);
  rmSync(link);
  symlinkSync('/nowhere', link);
  preparePaneLog(rig.root, runDir, shared);
  assert.ok(existsSync(join(link, 'runs/a-1/pane.log')));
  chmodSync(private_, 0o755);
  const open = preparePaneLog(rig.root, runDir, shared);
  assert.ok(open.path === null && /open to other users/.test(open.why));
  rmSync(private_, { recursive: true });
  symlinkSync(rig.root, private_);
  const linked = preparePaneLog(rig.root, runDir, shared);
  assert.ok(linked.path === null && /is not a directory/.test(linked.why));
  for (const outside of [rig.dir, join(rig.root, 'a b')]) {
    assert.equal(preparePaneLog(rig.root, outside, shared).path, null);
  }
});

test('the log of a pane is written by a process that the system keeps from writing without end', {
  skip: process.platform === 'linux' ? false : 'reads /proc of Linux',
}, async () => {
  await using rig = createTmuxRig();
  const tmux = rig.door();
  await tmux.ensureSession();
  const { pane } = await open(rig, tmux, 'a', 'echo said; exec sleep 1000');
  const writer = await until('something writes the log', () => {
    const programs = spawnSync('pgrep', ['-U', `${process.getuid?.()}`, '-x', 'cat'], {
      encoding: 'utf8',
    }).stdout.split('\n');
    return programs.find(
      (pid) => outputOf(pid).endsWith('/runs/a-1/pane.log') && outputOf(pid).startsWith(rig.root),
    );
  });
  const limits = readFileSync(`/proc/${writer}/limits`, 'utf8');
  assert.match(limits, /^Max file size +134217728 +134217728 +bytes/m);
  assert.match(limits, /^Max core file size +0 /m);
  await tmux.closePane(pane, { key: 'a', run: 1 });
});

/** The file that a process prints into; empty when it has ended. */
function outputOf(pid: string): string {
  return ifPresent(() => readlinkSync(`/proc/${pid}/fd/1`)) ?? '';
}

test('a worker whose output cannot be logged runs all the same, with a warning', async () => {
  await using rig = createTmuxRig();
  const warnings: string[] = [];
  const tmux = rig.door({ warn: (text) => warnings.push(text) });
  await tmux.ensureSession();
  const runDir = rig.launch('odd name', 1, 'exit 3');
  const { pane } = await tmux.openWindow({ key: 'a', run: 1, runDir, keepOnExit: true });
  assert.equal((await deadPane(rig, tmux, pane)).exitCode, 3);
  assert.match(warnings.join(), /the output of a is not logged: /);
});
