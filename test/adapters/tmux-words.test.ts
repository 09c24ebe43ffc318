/** Names, versions, identities and answers of tmux, read and made without one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLook } from '../../src/tmux/format.ts';
import { livingServer, parseServerIdentity, serverIdentity } from '../../src/tmux/identity.ts';
import { checkKey, checkPane, projectTag, sessionNames } from '../../src/tmux/names.ts';
import { attachCommand, isInside } from '../../src/tmux/terminal.ts';
import { chunks } from '../../src/tmux/type-text.ts';
import { judgeVersion } from '../../src/tmux/version.ts';
import { command, textArgument, textOnOneLine } from '../../src/tmux/words.ts';

test('versions from 3.2 on will do, however they are spelt; older and unknown ones will not', () => {
  for (const good of [
    'tmux 3.2',
    'tmux 3.2a',
    'tmux 3.3a',
    'tmux 3.6',
    'tmux 3.10',
    'tmux 4.0-rc2',
    'tmux next-3.4',
    'tmux master\n',
  ]) {
    assert.ok(judgeVersion(good).ok, good);
  }
  for (const bad of [
    'tmux 2.9',
    'tmux 3.1c',
    'tmux next-3.2',
    'tmux 1.8',
    'tmux 3',
    '',
    'screen 4.08',
    'tmux openbsd-7.3',
    'tmux 3.x',
  ]) {
    assert.ok(!judgeVersion(bad).ok, bad);
  }
});

test("a session's name holds nothing that means something to tmux", () => {
  assert.equal(sessionNames('/home/me/my-app')[0], 'orchestrate-my-app');
  assert.equal(sessionNames('/x/a.b:c #(touch pwn)')[0], 'orchestrate-a-b-c-touch-pwn');
  assert.equal(sessionNames('/x/日本')[0], 'orchestrate-project');
  assert.equal(sessionNames('/')[0], 'orchestrate-project');
  assert.equal(new Set(sessionNames('/a/app')).size, 3);
  assert.notEqual(sessionNames('/a/app')[1], sessionNames('/b/app')[1]);
  assert.match(projectTag('/a'), /^[0-9a-f]{16}$/);
});

test('only keys and pane ids become part of a command', () => {
  for (const bad of ['', '-a', 'A', 'a b', "a'", 'a;b', '#(x)', 'a\n'])
    assert.throws(() => checkKey(bad), TypeError);
  for (const bad of ['', '%', '3', '%3;', '%3 ', '@3']) assert.throws(() => checkPane(bad), TypeError);
  assert.throws(() => command('a', "b'c"), TypeError);
  assert.equal(command('a', '$0:{end}'), "'a' '$0:{end}'");
});

test('text loses its control characters and its power over the command line', () => {
  assert.equal(textOnOneLine('a\tb\r\nc\u001b[31md\u0007\u009b\u0000e\u007f é日😀'), 'a b c[31mde é日😀');
  assert.equal(textArgument('a;b;'), 'a;b\\;');
  assert.equal(textArgument('a\\;'), 'a\\\\;');
  assert.equal(textArgument(''), '');
});

test('long text is cut into pieces without breaking a character', () => {
  const text = 'aé日😀'.repeat(50);
  const pieces = chunks(text, 7);
  assert.equal(pieces.join(''), text);
  assert.ok(pieces.every((piece) => Buffer.byteLength(piece) <= 7));
  assert.deepEqual(chunks(''), []);
});

test('an identity keeps its parts whatever the path is, and is alive only as the very same process', () => {
  const parts = {
    socketPath: '/tmp/a|7|8/9|b\nc',
    pid: 42,
    startedAt: '1700000000',
    processStart: 'Mon Nov 3 01:02',
  };
  const identity = serverIdentity(parts);
  assert.deepEqual(parseServerIdentity(identity), parts);
  assert.equal(parseServerIdentity('garbage'), null);
  assert.ok(livingServer(identity, (pid) => ({ pid, start: 'Mon Nov 3 01:02' })));
  assert.equal(
    livingServer(identity, (pid) => ({ pid, start: 'later' })),
    null,
  );
  assert.equal(
    livingServer(identity, () => null),
    null,
  );
  assert.equal(
    livingServer(serverIdentity({ ...parts, processStart: '' }), (pid) => ({ pid, start: '' })),
    null,
  );
});

const SERVER = 'S|42|1700000000|3.3a|/tmp/tmux-0/default';
const pane = (also: string) => `P|%1|@1|77|${also}`;

test('an answer is read strictly: what is not one is unknown', () => {
  assert.deepEqual(parseLook(`${SERVER}\n`), {
    socketPath: '/tmp/tmux-0/default',
    pid: 42,
    startedAt: '1700000000',
    session: null,
    unsettled: false,
    panes: [],
    view: null,
  });
  const text = [SERVER, 'N|$3|my | name', pane('1|3||worker|stream-a|2|my | name'), ''].join('\n');
  const answer = parseLook(text);
  assert.deepEqual(answer?.session, { id: '$3', name: 'my | name' });
  assert.deepEqual(answer?.panes, [
    {
      id: '%1',
      windowId: '@1',
      session: 'my | name',
      role: 'worker',
      key: 'stream-a',
      run: 2,
      pid: 77,
      dead: true,
      exitCode: 3,
    },
  ]);
  for (const bad of [
    '',
    'hello',
    'S|x|1|/s',
    `${SERVER}\n${pane('?')}`,
    `${SERVER}\nP|%1`,
    `N|$3|x\n${SERVER}`,
  ]) {
    assert.equal(parseLook(bad), null, bad);
  }
});

test('the exit code is the status, or 128+n for a signal by number or name, or not known', () => {
  const paneWith = (fields: string, server = SERVER) =>
    parseLook(`${server}\n${pane(`${fields}|worker|a|1|s`)}`)?.panes[0];
  const exitCode = (fields: string) => paneWith(fields)?.exitCode;
  assert.equal(exitCode('1|0|'), 0);
  assert.equal(exitCode('1||9'), 137);
  assert.equal(exitCode('1||TERM'), 143);
  // As tmux has it from the system on macOS and the BSDs.
  for (const [name, code] of [
    ['term', 143],
    ['kill', 137],
    ['hup', 129],
    ['Segv', 139],
  ] as const)
    assert.equal(exitCode(`1||${name}`), code, name);
  for (const odd of ['1||no such', '1|x|', '1||9x', '1||SIGTERM']) {
    assert.equal(exitCode(odd), null, odd);
    assert.equal(paneWith(odd)?.dead, true, 'ended, however that may read');
  }
  assert.equal(exitCode('0||'), null);
  assert.equal(paneWith('1||')?.dead, false, 'its process has not ended yet');
  assert.ok(parseLook(`${SERVER}\n${pane('1|||worker|a|1|s')}`)?.unsettled);
  assert.ok(!parseLook(`${SERVER}\n${pane('1|0||worker|a|1|s')}`)?.unsettled);
  assert.equal(paneWith('1||', 'S|42|1|3.2a|/s')?.dead, true, 'that one never tells signals');
});

test('a pane that is listed in several sessions is one, in ours', () => {
  const line = (session: string) => pane(`0|||worker|a|1|${session}`);
  const panes = parseLook([SERVER, 'N|$3|ours', line('theirs'), line('ours'), line('z')].join('\n'))?.panes;
  assert.deepEqual(
    panes?.map((each) => each.session),
    ['ours'],
  );
});

test('the attach command names the server where plain tmux would mean another', () => {
  assert.equal(attachCommand(null, {}, 'orchestrate-app'), "tmux attach -t '=orchestrate-app'");
  assert.equal(attachCommand(null, { TMUX: '/tmp/tmux-0/default,1,0' }, 'a'), "tmux attach -t '=a'");
  assert.equal(attachCommand(null, { TMUX: '/tmp/tmux-0/other,1,0' }, 'a'), "tmux -L default attach -t '=a'");
  assert.equal(attachCommand('mine', {}, 'a'), "tmux -L mine attach -t '=a'");
  assert.equal(attachCommand("/x/it's", {}, 'a b'), "tmux -S '/x/it'\\''s' attach -t '=a b'");
});

test('one is inside a server when TMUX names its socket and process', () => {
  const server = serverIdentity({ socketPath: '/tmp/s,x', pid: 42, startedAt: '1', processStart: '2' });
  assert.ok(isInside({ TMUX: '/tmp/s,x,42,0' }, { server }));
  assert.ok(!isInside({ TMUX: '/tmp/s,x,43,0' }, { server }));
  assert.ok(!isInside({ TMUX: '/tmp/s,42,0' }, { server }));
  assert.ok(!isInside({ TMUX: 'bogus' }, { server }));
  assert.ok(!isInside({}, { server }));
  assert.ok(!isInside({ TMUX: '/tmp/s,x,42,0' }, { server: null }));
});

test("a whole answer of a Mac's tmux is read: its socket below /private/tmp, signals named as its system names them", () => {
  const answer = parseLook(
    [
      'S|812|1762588800|3.5a|/private/tmp/tmux-501/default',
      'N|$0|orchestrate-app',
      'P|%0|@0|901|0|||summary|||orchestrate-app',
      'P|%1|@1|902|0|||worker|api|1|orchestrate-app',
      'P|%2|@2|903|1||kill|worker|web|1|orchestrate-app',
      'P|%3|@3|904|1|0||worker|docs|2|orchestrate-app',
      'P|%4|@4|905|1||segv|worker|tests|1|orchestrate-app',
      '',
    ].join('\n'),
  );
  assert.equal(answer?.socketPath, '/private/tmp/tmux-501/default');
  assert.equal(answer?.unsettled, false);
  assert.deepEqual(
    answer?.panes.map(({ role, key, dead, exitCode }) => [role, key, dead, exitCode]),
    [
      ['summary', '', false, null],
      ['worker', 'api', false, null],
      ['worker', 'web', true, 137],
      ['worker', 'docs', true, 0],
      ['worker', 'tests', true, 139],
    ],
  );
});
