/** Presets against a real server and programs that stand in for a desktop's: what arrives, what is said of what does not, and no secret. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { NotifyPreset } from '../../src/app/config/config.ts';
import { type Config, DEFAULT_CONFIG } from '../../src/app/config/load.ts';
import { OrchestrateError } from '../../src/core/errors.ts';
import { answerOf, createFreshness, listenForAnswers } from '../../src/notify/answers.ts';
import { createPreset, type PresetPlace } from '../../src/notify/preset.ts';
import { type Message, messageFor, type Notice } from '../../src/notify/presets.ts';
import { readSecrets } from '../../src/notify/secrets.ts';
import { notifier } from '../../src/poller/listeners/notify.ts';
import { serve } from '../support/loopback.ts';
import { DEADLINE_MS, until } from '../support/wait.ts';

const SECRET = 'do-not-show-this';
const NOTICE: Notice = {
  schemaVersion: 1,
  kind: 'needs-input',
  at: '2026-01-01T00:00:00.000Z',
  workspace: 'my-app',
  projectRoot: '/p',
  stream: 'Stream-<B>',
  key: 'stream-b',
  run: 1,
  reason: 'wants\u001b[31m to run:\n<!channel> & "é"',
  remedy: 'orchestrate attach stream-b',
  attach: null,
  needsYou: true,
};
const never = new AbortController().signal;

const settings = (fields: Partial<Config['notify']>): Config['notify'] => ({
  ...DEFAULT_CONFIG.notify,
  ...fields,
});

const place = (env: Record<string, string>, fields: Partial<PresetPlace> = {}): PresetPlace => ({
  root: '/nowhere',
  env: { HOME: '/nowhere', ...env },
  toTerminals: async () => 0,
  ownTerminal: null,
  ...fields,
});

/** Tells the notice by a preset. */
async function tell(
  preset: Config['notify']['preset'],
  env: Record<string, string>,
  message: Message = messageFor(NOTICE),
) {
  await createPreset(settings({ preset }), place(env))?.tell(message, never);
}

const failure = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no failure',
    (error: unknown) => (error instanceof OrchestrateError ? `${error.message} ${error.fix}` : String(error)),
  );

test('each preset posts what its service takes, with its secret where that belongs, and no text that acts', async () => {
  await using server = await serve((_call, response) => response.end('{}'));
  const url = `${server.url}/${SECRET}`;
  const title = 'my-app: Stream-<B> needs-input';
  const body = 'wants to run: <!channel> & "é"\norchestrate attach stream-b';
  await tell('ntfy', {
    ORCHESTRATE_NOTIFY_URL: `${server.url}/sub/${SECRET}`,
    ORCHESTRATE_NOTIFY_TOKEN: 'tk_1',
  });
  await tell('slack', { ORCHESTRATE_NOTIFY_URL: url });
  await tell('telegram', {
    ORCHESTRATE_NOTIFY_URL: `${server.url}/`,
    ORCHESTRATE_NOTIFY_TOKEN: `1:${SECRET}`,
    ORCHESTRATE_NOTIFY_CHAT: '-42',
  });
  await tell('webhook', { ORCHESTRATE_NOTIFY_URL: url, ORCHESTRATE_NOTIFY_TOKEN: 'tk_2' });
  const seen = server.calls.map(({ path, headers, body }) => [path, headers.authorization, JSON.parse(body)]);
  assert.deepEqual(seen, [
    ['/sub', 'Bearer tk_1', { topic: SECRET, title, message: body, priority: 4 }],
    [
      `/${SECRET}`,
      undefined,
      { text: `${title}\n${body}`.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;') },
    ],
    [
      `/bot1:${SECRET}/sendMessage`,
      undefined,
      { chat_id: '-42', text: `${title}\n${body}`, link_preview_options: { is_disabled: true } },
    ],
    [`/${SECRET}`, 'Bearer tk_2', NOTICE],
  ]);
});

/** What each preset that posts needs, at a server; the secret is in what it takes for one. */
const NEEDS = (
  server: string,
): Readonly<Record<Exclude<NotifyPreset, 'desktop'>, Record<string, string>>> => ({
  ntfy: { ORCHESTRATE_NOTIFY_URL: `${server}/${SECRET}`, ORCHESTRATE_NOTIFY_TOKEN: SECRET },
  slack: { ORCHESTRATE_NOTIFY_URL: `${server}/${SECRET}` },
  telegram: {
    ORCHESTRATE_NOTIFY_URL: server,
    ORCHESTRATE_NOTIFY_TOKEN: `1:${SECRET}`,
    ORCHESTRATE_NOTIFY_CHAT: '-42',
  },
  webhook: { ORCHESTRATE_NOTIFY_URL: `${server}/${SECRET}`, ORCHESTRATE_NOTIFY_TOKEN: SECRET },
});
const POSTING = ['ntfy', 'slack', 'telegram', 'webhook'] as const;

test('what may pass is tried again a bounded number of times, what is refused is not, and no word has the secret', async () => {
  await using elsewhere = await serve((_call, response) => response.end());
  const each = POSTING.map(async (name) => {
    const statuses = [503, 200, 401, 302, 404, 500, 500, 500, 429];
    await using server = await serve((_call, response) => {
      const headers: Record<string, string> = { location: `${elsewhere.url}/x`, 'retry-after': '0' };
      response.writeHead(statuses.shift() ?? 500, headers).end(SECRET);
    });
    const preset = createPreset(settings({ preset: name }), place(NEEDS(server.url)[name]));
    const say = () => failure(preset?.tell(messageFor(NOTICE), never) ?? Promise.resolve());
    const said = [await say(), await say(), await say(), await say(), await say(), await say()];
    assert.deepEqual(
      said.map((text) => /answered \d+|no failure/.exec(text)?.[0]),
      ['no failure', ...['401', '302', '404', '500', '500'].map((status) => `answered ${status}`)],
      name,
    );
    // The first was tried twice; while nothing arrives, each later one once.
    assert.equal(server.calls.length, 7, name);
    for (const text of said) assert.ok(!text.includes(SECRET), text);
  });
  await Promise.all(each);
  assert.deepEqual(elsewhere.calls, [], 'no redirection is followed');
});

test('a server that never answers is left when the poller leaves', async () => {
  await using server = await serve(() => undefined);
  const leave = new AbortController();
  const preset = createPreset(
    settings({ preset: 'slack' }),
    place({ ORCHESTRATE_NOTIFY_URL: `${server.url}/x` }),
  );
  const told = preset?.tell(messageFor(NOTICE), leave.signal) ?? Promise.resolve();
  const ended = assert.rejects(told, { name: 'AbortError' });
  await until('it was asked', () => server.calls.length > 0);
  leave.abort();
  await ended;
});

test('secrets come from the environment or a private file; what is wrong is named without a word of them', async () => {
  const dir = mkdtempSync(join(realpathSync(tmpdir()), 'orchestrate-secrets-'));
  const file = join(dir, 'notify.json');
  const write = (content: unknown, mode = 0o600) => {
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    chmodSync(file, mode);
  };
  const read = (fields: Partial<Config['notify']>, env: Record<string, string> = {}) =>
    readSecrets(settings({ preset: 'slack', secretFile: file, ...fields }), { root: '/nowhere', env });
  const url = `https://example.com/${SECRET}`;
  try {
    write({ url });
    assert.equal(read({}).url, url);
    assert.equal(
      read({}, { ORCHESTRATE_NOTIFY_URL: 'https://other.example/x' }).url,
      'https://other.example/x',
    );
    assert.equal(read({ secretFile: '~/notify.json' }, { HOME: dir }).url, url);
    const wrong: readonly [
      content: unknown,
      says: RegExp,
      fields?: Partial<Config['notify']>,
      mode?: number,
    ][] = [
      [{ url }, /others may read .*chmod 600/, {}, 0o640],
      [{}, /slack cannot be used: its url is missing .*ORCHESTRATE_NOTIFY_URL/],
      [`{"url": "${url}"`, /not JSON/],
      [`["${url}"]`, /no object/],
      [{ url, [SECRET]: 'x' }, /a key that is not known/],
      [{ url: [url] }, /"url" is no text/],
      [{ url: `ftp://${SECRET}` }, /its url is not what/],
      [{ url: `https://me:${SECRET}@example.com/` }, /its url is not what/],
      [{ url: `https://example.com/${SECRET}/` }, /its url is not what/, { preset: 'ntfy' }],
      [{ url, token: `x ${SECRET}` }, /its token is not what/],
      [{ token: SECRET, chat: '1' }, /its token is not what/, { preset: 'telegram' }],
      [{ token: `1:${SECRET}` }, /its chat is missing/, { preset: 'telegram' }],
      [{ url }, /its answersUrl is missing/, { preset: 'ntfy', answers: true }],
      [{ url, answersUrl: url }, /a topic of their own/, { preset: 'ntfy', answers: true }],
      [{ url }, /ntfy only, not with slack/, { answers: true }],
    ];
    for (const [content, says, fields = {}, mode = 0o600] of wrong) {
      write(content, mode);
      const said = await failure((async () => read(fields))());
      assert.match(said, says);
      assert.ok(!said.includes(SECRET), said);
    }
    rmSync(file);
    assert.match(await failure((async () => read({}))()), /cannot be read/);
    execFileSync('mkfifo', ['-m', '600', file]);
    // In a process of its own, which can be ended where it waits for somebody to write.
    const reading = `import { readSecrets } from ${JSON.stringify(import.meta.resolve('../../src/notify/secrets.ts'))};
      try { readSecrets({ preset: 'slack', secretFile: ${JSON.stringify(file)}, answers: false }, { root: '/', env: {} }); }
      catch (error) { console.log(error.message); }`;
    const words = ['--import', 'tsx', '--input-type=module', '-e', reading];
    const { stdout } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: DEADLINE_MS });
    assert.match(stdout, /it is no small file/);
    assert.equal(read({ preset: 'desktop', secretFile: null }, { HOME: dir }).url, null);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('desktop: by the program that is there, with the text as arguments, and in terminals; nowhere is said once', async () => {
  const dir = mkdtempSync(join(realpathSync(tmpdir()), 'orchestrate-desktop-'));
  const program = (name: string, end: string) => {
    const script = `#!/bin/sh\nfor each; do printf '%s\\0' "$each"; done > ${dir}/${name}.argv\nenv > ${dir}/${name}.env\n${end}\n`;
    writeFileSync(join(dir, name), script, { mode: 0o755 });
  };
  const argv = (name: string) =>
    readFileSync(join(dir, `${name}.argv`), 'utf8')
      .split('\0')
      .slice(0, -1);
  const sequences: string[] = [];
  const env = { PATH: `${dir}:/bin:/usr/bin`, ORCHESTRATE_NOTIFY_TOKEN: SECRET };
  const preset = (terminals: number | Error) =>
    createPreset(
      settings({ preset: 'desktop' }),
      place(env, {
        toTerminals: async (sequenceFor) => {
          if (terminals instanceof Error) throw terminals;
          sequences.push(...['xterm-256color', 'foot'].slice(0, terminals).map(sequenceFor));
          return terminals;
        },
      }),
    );
  const say = (terminals: number | Error) =>
    failure(preset(terminals)?.tell(messageFor(NOTICE), never) ?? Promise.resolve());
  const text = 'wants to run: <!channel> & "é"';
  try {
    assert.match(await say(0), /no notify-send and no osascript here/);
    program('osascript', 'exit 0');
    assert.equal(await say(0), 'no failure');
    assert.deepEqual(argv('osascript').slice(-2), [
      'my-app: Stream-<B> needs-input',
      `${text}\norchestrate attach stream-b`,
    ]);
    program('notify-send', 'exit 0');
    assert.equal(await say(2), 'no failure');
    assert.deepEqual(argv('notify-send'), [
      '--app-name=orchestrate',
      '--urgency=critical',
      '--',
      'my-app: Stream-<B> needs-input',
      'wants to run: &lt;!channel&gt; &amp; "é"\norchestrate attach stream-b',
    ]);
    assert.ok(!readFileSync(join(dir, 'notify-send.env'), 'utf8').includes(SECRET));
    assert.deepEqual(sequences, [
      `\u001b]9;my-app: Stream-<B> needs-input: ${text} orchestrate attach stream-b\u0007`,
      `\u001b]777;notify;my-app: Stream-<B> needs-input;${text} orchestrate attach stream-b\u0007`,
    ]);
    const full = new Error('EAGAIN: a terminal takes nothing');
    assert.equal(await say(full), 'no failure', 'a program showed it');
    program('notify-send', 'exit 3');
    assert.match(await say(full), /notify-send failed \(exit 3\); the terminals: EAGAIN/);
    assert.equal(await say(1), 'no failure', 'a terminal showed it');
    assert.match(await say(0), /notify-send failed \(exit 3\)/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('an answer is one line of a verb, a stream and, for send alone, a text; anything else is none', () => {
  assert.deepEqual(answerOf('send b yes, use  the helper'), {
    verb: 'send',
    stream: 'b',
    text: 'yes, use  the helper',
  });
  assert.deepEqual(answerOf('  Retry Stream-B '), { verb: 'retry', stream: 'Stream-B' });
  assert.deepEqual(answerOf('park b'), { verb: 'park', stream: 'b' });
  assert.deepEqual(answerOf('STOP b'), { verb: 'stop', stream: 'b' });
  const none = [
    '',
    'send',
    'send b',
    'send b  ',
    'stop',
    'retry b now',
    'retry -b',
    'merge b',
    'start b',
    'send b a\nb',
  ];
  const hostile = [
    'send b \u001b[A',
    'send\tb x',
    'send b x\u202e',
    `send b ${'x'.repeat(1000)}`,
    'send b x\u2028y',
  ];
  for (const text of [...none, ...hostile, '{"verb":"stop"}', 'constructor b'])
    assert.equal(answerOf(text), null, JSON.stringify(text));
});

test('a message counts once, and neither one of before it listened nor a late one', () => {
  const isFresh = createFreshness();
  const line = (event: string, id: string, atS: number) => isFresh({ event, id, atS, text: '' });
  assert.equal(line('message', 'a', 5_000), false, 'nothing is known of the time yet');
  assert.equal(line('open', 'o', 1_000), false);
  assert.equal(line('message', 'b', 999), false);
  assert.equal(line('message', 'c', 1_000), true);
  assert.equal(line('message', 'c', 1_001), false);
  assert.equal(line('keepalive', 'k', 2_000), false);
  assert.equal(line('message', 'd', 1_399), false);
  assert.equal(line('message', 'e', 1_400), true);
  line('open', 'p', 500);
  assert.equal(line('message', 'f', 600), false, 'a clock that is set back brings nothing old back');
});

test('answers are heard over a connection that goes out, again after it broke, and what is no ntfy is one trouble', async (t) => {
  const connections: ServerResponse[] = [];
  let status = 403;
  await using server = await serve((_call, response) => {
    response.writeHead(status);
    if (status !== 200) return void response.end();
    connections.push(response);
    response.write('{"id":"o","time":1000,"event":"open","topic":"mine"}\n');
  });
  const heard: string[] = [];
  const troubles: (string | null)[] = [];
  const leave = new AbortController();
  t.after(() => leave.abort());
  const given = { url: `${server.url}/told`, token: 'tk_1', chat: null, answersUrl: `${server.url}/mine` };
  let secrets = (): typeof given => given;
  const listening = listenForAnswers(
    () => secrets(),
    { message: async (text) => void heard.push(text), trouble: (why) => void troubles.push(why) },
    leave.signal,
  );
  await until('it was refused', () => troubles.length > 0);
  assert.match(troubles[0] ?? '', /answered 403/);
  status = 200;
  const connection = (count: number) => until('a connection', () => connections[count - 1]);
  const message = (id: string, text: string, more: object = {}) =>
    `${JSON.stringify({ id, time: 1001, event: 'message', topic: 'mine', message: text, ...more })}\n`;
  const first = await connection(1);
  first.write(
    `not json\n[]\nnull\n${message('x', 'of another topic', { topic: 'theirs' })}${message('y', 'old', { time: 1 })}`,
  );
  first.write(message('a', 'first').slice(0, 20));
  first.end(message('a', 'first').slice(20));
  const second = await connection(2);
  second.write(message('a', 'first') + message('b', 'second'));
  await until('both', () => heard.length >= 2);
  assert.deepEqual(heard, ['first', 'second']);
  assert.match(server.calls.at(-1)?.path ?? '', /^\/mine\/json\?since=1001$/);
  assert.equal(server.calls.at(-1)?.headers.authorization, 'Bearer tk_1');
  second.write('z'.repeat(100_000));
  await until('it is given up', () => troubles.some((why) => why?.includes('lines without an end')));
  // The token is for the server of notices; what is wrong with the secrets is said as it is.
  secrets = () => ({ ...given, url: 'https://other.example/notices' });
  (await connection(3)).end();
  await connection(4);
  assert.equal(server.calls.at(-1)?.headers.authorization, undefined);
  secrets = () => {
    throw new OrchestrateError(7, 'the secrets cannot be used', 'chmod 600 notify.json');
  };
  connections.at(-1)?.end();
  await until('that is told', () =>
    troubles.includes('the secrets cannot be used: chmod 600 notify.json') ? true : undefined,
  );
  leave.abort();
  await listening;
});

test('what came in one piece with an answer that is obeyed at the end is not obeyed any more', async () => {
  const line = (id: string, text: string) =>
    `${JSON.stringify({ id, time: 1000, event: 'message', topic: 'mine', message: text })}\n`;
  await using server = await serve((_call, response) => {
    response.write(
      `{"id":"o","time":1000,"event":"open","topic":"mine"}\n${line('a', 'first')}${line('b', 'second')}`,
    );
  });
  const leave = new AbortController();
  const heard: string[] = [];
  const message = async (text: string): Promise<void> => {
    heard.push(text);
    leave.abort();
  };
  const secrets = { url: null, token: null, chat: null, answersUrl: `${server.url}/mine` };
  await listenForAnswers(() => secrets, { message, trouble: () => undefined }, leave.signal);
  assert.deepEqual(heard, ['first']);
});

test('what cannot be told is one warning: at the first tick what is missing, at the end why the last word did not arrive', async () => {
  await using gone = await serve(() => undefined);
  await gone[Symbol.asyncDispose]();
  const ports = (preset: NotifyPreset, env: Record<string, string>, events: string[]) => ({
    state: {
      patchStream: () => undefined,
      addEvent: ({ kind, message }: { kind: string; message: string }) =>
        void events.push(`${kind} ${message}`),
    },
    config: { ...DEFAULT_CONFIG, notify: settings({ tmux: false, preset }) },
    workspace: { id: 'w' },
    paths: { root: '/nowhere' },
    env: { HOME: '/nowhere', ...env },
    now: () => 1,
  });
  const lacking: string[] = [];
  const unset = notifier(ports('webhook', {}, lacking) as never, never, () => undefined);
  for (let n = 0; n < 3; n += 1) unset.onStates?.([], { snapshot: { records: new Map() } } as never);
  assert.equal(lacking.length, 1);
  assert.match(
    lacking[0] ?? '',
    /^notify-error notify\.preset webhook: .* its url is missing: set ORCHESTRATE_NOTIFY_URL/,
  );
  const states = ['a', 'b', 'c'].map((key) => ({
    ...{ id: key, key, state: 'failed', reason: SECRET, remedy: null, needsYou: true },
  }));
  const records = new Map(states.map(({ key }) => [key, { key, told: null, runs: [] }]));
  const unreached = POSTING.map(async (name) => {
    const events: string[] = [];
    const env = NEEDS(gone.url)[name];
    const listener = notifier(ports(name, env, events) as never, never, () => undefined);
    listener.onStates?.(states as never, { snapshot: { records } } as never);
    await listener.close?.({ why: 'all-done', states: [] });
    assert.deepEqual(events, [
      'finished all 0 streams are done',
      `notify-error notify.preset ${name}: the server cannot be reached (ECONNREFUSED)`,
    ]);
  });
  await Promise.all(unreached);
});
