/** The live summary as it is steered: what a key makes of it, what it asks to be done, and what the picture shows. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { templatePath } from '../../src/app/package-root.ts';
import type { ReportStream, StatusReport } from '../../src/report/types.ts';
import { type Cockpit, type CockpitEvent, createCockpit, type Wish } from '../../src/view/summary/cockpit.ts';
import { type CockpitOptions, drawCockpit } from '../../src/view/summary/cockpit-draw.ts';
import { update } from '../../src/view/summary/cockpit-keys.ts';
import { type Key, type KeyName, keysOf } from '../../src/view/summary/keys.ts';
import { layoutOf } from '../../src/view/summary/layout.ts';
import { agoIso, busyReport, NOW_MS, report, stream } from '../support/report-builders.ts';

const SIZE = { columns: 80, rows: 24 };
const NAMED: ReadonlySet<string> = new Set<KeyName>([
  'up',
  'down',
  'enter',
  'cancel',
  'erase',
  'last',
  'first',
  'page-down',
]);

const keyOf = (name: string): Key =>
  NAMED.has(name) ? { kind: 'key', name: name as KeyName } : { kind: 'text', text: name };

/** A summary with its first report and then these keys; `wishes`: what they asked to be done. */
function sit(of: StatusReport, keys: readonly (string | CockpitEvent)[] = [], size = SIZE, attended = true) {
  const wishes: Wish[] = [];
  let model: Cockpit = createCockpit(attended);
  const take = (event: CockpitEvent): void => {
    const next = update(model, event, size);
    model = next.model;
    if (next.wish !== null) wishes.push(next.wish);
  };
  take({ kind: 'report', report: of });
  for (const key of keys) take(typeof key === 'string' ? keyOf(key) : key);
  return {
    wishes,
    take,
    model: () => model,
    lines: (options: Partial<CockpitOptions> = {}) =>
      drawCockpit(model, {
        ...size,
        colour: false,
        unicode: true,
        nowMs: NOW_MS,
        session: false,
        ...options,
      }),
  };
}

const cursorLine = (lines: readonly string[]): string => lines.find((line) => line.startsWith('▸')) ?? '';
const many = (count: number): StatusReport =>
  report(Array.from({ length: count }, (_, i) => stream(`S${String(i).padStart(4, '0')}`, 'waiting')));

test('the cursor begins at who waits for the user, and goes by arrows, letters, pages and to the ends', () => {
  const of = busyReport();
  assert.match(cursorLine(sit(of).lines()), /^▸ ▲ C /);
  for (const [keys, id] of [
    [['down'], 'D'],
    [['j', 'j'], 'E'],
    [['k'], 'B'],
    [['up', 'up', 'up', 'up'], 'A'],
    [['G'], 'Z'],
    [['last', 'g'], 'A'],
    [['jjk'], 'D'],
    [['page-down'], 'Z'],
    [['n'], 'D'],
    [['n', 'n'], 'C'],
  ] as const)
    assert.equal(sit(of, keys).model().cursor, `Stream-${id}`, keys.join(' '));
});

test('the cursor stays at its stream, and every row in its place, whatever becomes of the others', () => {
  const of = busyReport();
  const it = sit(of, ['G']);
  const rowOf = (lines: readonly string[], id: string) => lines.findIndex((line) => line.includes(` ${id} `));
  const before = it.lines();
  const changed = of.streams.map((each) =>
    each.id === 'Stream-A' ? { ...each, state: 'failed' as const, needsYou: true, reason: 'no' } : each,
  );
  it.take({ kind: 'report', report: { ...of, streams: changed, warnings: ['disk is full'] } });
  assert.equal(it.model().cursor, 'Stream-Z');
  for (const id of ['A', 'B', 'C', 'Z']) assert.equal(rowOf(it.lines(), id), rowOf(before, id), id);
  it.take({ kind: 'report', report: { ...of, streams: of.streams.filter(({ id }) => id !== 'Stream-Z') } });
  assert.equal(it.model().cursor, 'Stream-F', 'of a stream that left the plan the row that took its place');
});

test('nobody at the keyboard: no cursor, no keys, and the panel follows who waits longest', () => {
  const of = busyReport();
  const it = sit(of, [], SIZE, false);
  assert.doesNotMatch(it.lines().join('\n'), /▸|Enter open/);
  assert.match(it.lines().join('\n'), /── Stream-C/);
  const answered = of.streams.map((each) => (each.id === 'Stream-C' ? { ...each, needsYou: false } : each));
  it.take({ kind: 'report', report: { ...of, streams: answered } });
  assert.match(it.lines().join('\n'), /── Stream-D/);
});

test('who waits is said first, with a command; a stalled and a failed stream are, a blocked one is not yellow', () => {
  const [first] = sit(busyReport(), [], { columns: 120, rows: 40 }).lines();
  assert.equal(
    first,
    '▲ 2 STREAMS NEED YOU  Stream-C needs-input 7m, Stream-D failed 1m  → orchestrate attach --next',
  );
  const coloured = sit(busyReport(), ['g']).lines({ colour: true });
  const blocked = coloured.find((line) => line.includes('waits for Stream-D'));
  assert.ok(blocked?.includes('\u001b[90m⊘'), blocked);
  assert.ok(!blocked?.includes('\u001b[33m'));
});

test('what stops work asks first; the answer y does it, any other does not', () => {
  const of = busyReport();
  for (const [key, question, verb] of [
    ['x', /Stop Stream-C\? Its work is kept\. \(y\/n\)/, 'stop'],
    ['p', /Park Stream-C until it is retried\? Its work is kept\. \(y\/n\)/, 'park'],
    ['R', /Retry Stream-C in a new conversation\?/, 'fresh'],
  ] as const) {
    const asked = sit(of, [key]);
    assert.match(asked.lines().join('\n'), question);
    assert.deepEqual(asked.wishes, []);
    assert.deepEqual(sit(of, [key, 'n', 'y']).wishes, []);
    assert.deepEqual(sit(of, [key, 'cancel']).wishes, []);
    assert.deepEqual(sit(of, [key, 'y']).wishes, [{ wish: 'verb', id: 'Stream-C', what: verb }]);
  }
  const alive = of.streams.map((each) => ({ ...each, pid: 7 }));
  const gone = of.streams.map((each) => ({ ...each, pid: null }));
  assert.deepEqual(
    sit({ ...of, streams: gone }, ['r']).wishes,
    [{ wish: 'verb', id: 'Stream-C', what: 'retry' }],
    'no agent is ended by it',
  );
  assert.deepEqual(sit({ ...of, streams: alive }, ['r']).wishes, [], 'an agent would be');
});

test('the other keys ask for what they say, of the stream at the cursor', () => {
  const of = busyReport();
  const red = { name: 'test', log: '/l', times: 2 };
  const streams = of.streams.map((each) => (each.id === 'Stream-C' ? { ...each, gate: red } : each));
  const id = 'Stream-C';
  for (const [key, wish] of [
    ['enter', { wish: 'open', id, what: null }],
    ['v', { wish: 'verb', id, what: 'verify' }],
    ['m', { wish: 'verb', id, what: 'resolve' }],
    ['l', { wish: 'read', id, what: 'log' }],
    ['d', { wish: 'read', id, what: 'diff' }],
    ['e', { wish: 'read', id, what: 'gate' }],
    ['w', { wish: 'view' }],
    ['q', { wish: 'quit' }],
  ] as const)
    assert.deepEqual(sit({ ...of, streams }, [key]).wishes, [wish], key);
  const green = sit(of, ['e']);
  assert.deepEqual(green.wishes, []);
  assert.match(green.lines().join('\n'), /No gate of Stream-C has failed/);
});

test('letters that come together are each a key, and stop at the first that asks for something', () => {
  assert.deepEqual(sit(busyReport(), ['jdv']).wishes, [{ wish: 'read', id: 'Stream-D', what: 'diff' }]);
  assert.deepEqual(sit(busyReport(), [{ kind: 'paste', text: 'xy' }]).wishes, [], 'a paste is no key');
});

test('the answer line sends what was typed, whatever the letters mean elsewhere; Escape leaves it', () => {
  const it = sit(busyReport(), [' ', 'quick yes', { kind: 'paste', text: ' a\nb' }, 'erase']);
  assert.match(it.lines().join('\n'), /▸ quick yes a _/);
  assert.deepEqual(it.wishes, []);
  it.take(keyOf('enter'));
  assert.deepEqual(it.wishes, [{ wish: 'send', id: 'Stream-C', text: 'quick yes a ' }]);
  it.take({ kind: 'said', text: 'Not sent: it is showing a permission prompt', good: false });
  it.take({ kind: 'unsent', id: 'Stream-C', text: 'quick yes a ' });
  assert.match(it.lines().join('\n'), /Not sent: it is showing a permission prompt\n▸ quick yes a _/);
  it.take({ kind: 'key', name: 'erase-all' });
  it.take({ kind: 'text', text: 'other' });
  it.take({ kind: 'unsent', id: 'Stream-C', text: 'quick yes a ' });
  assert.match(it.lines().join('\n'), /\n▸ other_/, 'what was typed meanwhile stays');
  it.take(keyOf('cancel'));
  assert.match(it.lines().join('\n'), /Enter open/);
  assert.deepEqual(sit(busyReport(), [' ', 'enter']).wishes, [], 'nothing is not sent');
});

test('the answer shows the whole question and the last lines of the pane', () => {
  const screen = Array.from({ length: 60 }, (_, i) => `line ${i}`);
  const detail = { id: 'Stream-C', tasks: [], commit: null, screen: [...screen, '', ''] };
  const text = sit(busyReport(), [' ', { kind: 'detail', detail }]).lines();
  assert.match(text.join('\n'), /wants to run: rm -rf build\n↳ orchestrate attach Stream-C\n/);
  assert.ok(text.includes('line 59') && !text.includes('line 0'), text.join('\n'));
  assert.equal(text.length, SIZE.rows);
});

test('the filter shows rows by id, name or state; the cursor stays where it can; Escape shows all', () => {
  const of = busyReport();
  const shown = (keys: readonly string[]) =>
    sit(of, keys)
      .model()
      .rows.map(({ id }) => id);
  assert.deepEqual(shown(['/', 'API']), ['Stream-B', 'Stream-C']);
  assert.deepEqual(shown(['/', 'limi']), ['Stream-E']);
  assert.equal(sit(of, ['/', 'api']).model().cursor, 'Stream-C');
  assert.deepEqual(shown(['/', 'q', 'enter']), [], 'letters are text there');
  assert.match(sit(of, ['/', 'q']).lines().join('\n'), /no stream's id, name or state has "q"/);
  assert.equal(shown(['/', 'api', 'cancel']).length, 7);
  assert.equal(shown(['/', 'api', 'enter', 'cancel']).length, 7);
  const kept = sit(of, ['/', 'api', 'enter']);
  kept.take({ kind: 'report', report: of });
  assert.equal(kept.model().rows.length, 2, 'a new report keeps it');
});

test('a click goes to its row, one on the row of the cursor to the pane; none beside the rows', () => {
  for (const size of [SIZE, { columns: 120, rows: 40 }, { columns: 80, rows: 12 }]) {
    const it = sit(busyReport(), [], size);
    const row = it.lines().findIndex((line) => /^ {2}◑ /.test(line));
    const click = { kind: 'click', column: 5, row } as const;
    it.take(click);
    assert.equal(it.model().cursor, 'Stream-E');
    assert.deepEqual(it.wishes, []);
    it.take(click);
    assert.deepEqual(it.wishes, [{ wish: 'open', id: 'Stream-E', what: null }]);
    for (const beside of [0, size.rows - 1]) it.take({ kind: 'click', column: 1, row: beside });
    assert.equal(it.model().cursor, 'Stream-E');
    assert.equal(it.wishes.length, 1);
  }
});

test('a page scrolls, shows where it is, and goes back to the same cursor', () => {
  const lines = Array.from({ length: 100 }, (_, i) => `+line ${i}`);
  const it = sit(busyReport(), [
    'j',
    { kind: 'page', title: 'diff of Stream-D', lines, of: 'diff', offers: null },
  ]);
  assert.equal(it.lines()[1], '+line 0');
  it.take(keyOf('G'));
  assert.match(it.lines().at(-2) ?? '', /^\+line 99/);
  it.take(keyOf('k'));
  assert.match(it.lines()[0] ?? '', /99\/100$/);
  it.take(keyOf('q'));
  assert.equal(it.model().cursor, 'Stream-D');
  it.take({ kind: 'page', title: 'diff of Stream-D', lines, of: 'diff', offers: null });
  it.take(keyOf('qj'));
  assert.equal(it.model().cursor, 'Stream-E', 'letters that come together are each a key there too');
  const log = sit(busyReport(), [{ kind: 'page', title: 'log of Stream-D', lines, of: 'log', offers: null }]);
  assert.match(log.lines().at(-2) ?? '', /line 99/, 'a log begins at its end');
  assert.match(
    sit(busyReport(), ['?']).lines().join('\n'),
    /Space {2}s +see what its agent shows, and answer it/,
  );
});

test('merging and cleaning show first what they would do, and are done only when the user agrees to that', () => {
  const lines = ['Would land on main by merge:', '  + A'];
  const page = {
    kind: 'page',
    title: 'merge: what it would do',
    lines,
    of: 'merge',
    offers: 'merge',
  } as const;
  const it = sit(busyReport(), ['M', page]);
  assert.deepEqual(it.wishes, [{ wish: 'plan', what: 'merge', dryRun: true }]);
  assert.match(it.lines().join('\n'), /Would land on main[\s\S]*y merge it {2}n back/);
  for (const key of ['n', 'q', 'cancel']) {
    const left = sit(busyReport(), [page, key]);
    assert.deepEqual([left.wishes, left.model().mode.kind], [[], 'list'], key);
  }
  it.take(keyOf('y'));
  assert.deepEqual(it.wishes.at(-1), { wish: 'plan', what: 'merge', dryRun: false });
  // What it came to offers nothing more.
  const done = sit(busyReport(), [{ ...page, title: 'merge: done', offers: null }, 'y']);
  assert.deepEqual(done.wishes, []);
  assert.deepEqual(sit(busyReport(), ['C']).wishes, [{ wish: 'plan', what: 'clean', dryRun: true }]);
  const asked = sit(busyReport(), [{ kind: 'request', verb: 'clean', key: 'all' }]);
  assert.deepEqual(asked.wishes, [{ wish: 'plan', what: 'clean', dryRun: true }]);
});

test('a key of the session does what the key here does, for the stream of its pane', () => {
  const ask = (verb: string, key: string) => sit(busyReport(), ['/', 'zzz', { kind: 'request', verb, key }]);
  assert.deepEqual(ask('retry', 'stream-d').wishes, [{ wish: 'verb', id: 'Stream-D', what: 'retry' }]);
  assert.deepEqual(ask('diff', 'stream-d').wishes, [{ wish: 'read', id: 'Stream-D', what: 'diff' }]);
  assert.deepEqual(ask('send', 'stream-b').model().mode, { kind: 'answer', text: '' });
  assert.match(ask('help', '').lines()[0] ?? '', /^Keys/);
  assert.deepEqual(ask('stop', 'nobody').wishes, []);
});

test('every time is said with what it is a time of, and of what is done it stands still', () => {
  const waited = { workedMs: 86_000, waitedMs: 170_000, since: agoIso(600_000) };
  const of = report([stream('A', 'done', waited), stream('B', 'running', waited)]);
  const at = (nowMs: number) => sit(of, ['g'], { columns: 120, rows: 30 }).lines({ nowMs });
  const row = (lines: readonly string[], mark: string) =>
    (lines.find((line) => line.includes(mark)) ?? '').trimEnd().replace(/ +/g, ' ');
  const lines = at(NOW_MS);
  assert.match(lines.join('\n'), /STREAM +TASKS STATE +WORKED WAITED/);
  assert.match(row(lines, '✓ A'), /0\/3 done 1m 2m$/);
  assert.equal(row(at(NOW_MS + 3_600_000), '✓ A'), row(lines, '✓ A'));
  assert.match(row(lines, '● B'), /running 10m +1m +2m/);
  assert.match(lines.join('\n'), /done 10m ago · worked 1m · waited for you 2m/);
});

test('paths of the project are as short as on every other screen; what is to be typed stays whole', () => {
  const reason = 'gate "test" failed, see /home/u/my-app/.claude/orchestrator/logs/gate.log';
  const of = report([stream('A', 'failed', { reason, remedy: 'less /home/u/my-app/x.log' })]);
  const text = sit(of, [], { columns: 120, rows: 40 }).lines().join('\n');
  assert.match(text, /see \.claude\/orchestrator\/logs\/gate\.log/);
  assert.match(text, /less \/home\/u\/my-app\/x\.log/);
});

test('a red gate is a state of its row, with its log a key away', () => {
  const gate = { name: 'test', log: '/l', times: 2 };
  const of = report([
    stream('A', 'running', { gate, reason: 'gate "test" failed 2×', doing: 'Bash npm test' }),
  ]);
  const text = sit(of, [], { columns: 100, rows: 24 }).lines().join('\n');
  assert.match(text, /▸ ● A .*gate "test" failed 2× · Bash npm test/);
  assert.match(text, /gate "test" failed 2×: e shows what it printed/);
  assert.match(text, /e gate log/);
});

test('the panel tells times, reason, command, tasks, last commit and pane of the stream at the cursor', () => {
  const tasks = [
    { title: 'Write it', status: 'completed' },
    { title: 'Test it', status: 'in_progress' },
  ];
  const detail = { id: 'Stream-C', tasks, commit: 'a1b2c3d Add it', screen: ['  > npm test', 'ok'] };
  for (const size of [
    { columns: 80, rows: 40 },
    { columns: 200, rows: 50 },
  ]) {
    const text = sit(busyReport(), [{ kind: 'detail', detail }], size)
      .lines()
      .join('\n');
    for (const part of [/✓ Write it/, /● Test it/, /last commit a1b2c3d Add it/, /│ {3}> npm test/, /│ ok/])
      assert.match(text, part);
    const other = sit(busyReport(), [{ kind: 'detail', detail }, 'j'], size)
      .lines()
      .join('\n');
    assert.doesNotMatch(other, /Write it/, 'not of another stream');
  }
});

test('on a small screen a long reason is cut once, and the pane shows what says something', () => {
  const reason = 'wants to run: bash long.sh --all --verbose --output=/tmp/report.txt --and=more';
  const of = report(
    ['A', 'B', 'C', 'D', 'E', 'F'].map((id) =>
      stream(id, 'needs-input', { needsYou: true, reason, remedy: `orchestrate attach ${id}` }),
    ),
  );
  const tasks = ['One', 'Two'].map((title) => ({ title, status: 'pending' }));
  const screen = [
    'Do you want to proceed?',
    '❯ 1. Yes',
    '  2. No',
    '',
    'Esc to cancel',
    `${'─'.repeat(60)} a ─`,
    '',
  ];
  const detail = { id: 'A', tasks, commit: null, screen };
  const text = sit(of, [{ kind: 'detail', detail }], { columns: 40, rows: 20 })
    .lines()
    .join('\n');
  assert.match(text, /\nwants to run: bash long\.sh[^\n]*[^…]…\n/);
  assert.match(text, /\n {2}2 tasks\n/, 'none is shown that there could be more of');
  assert.match(text, /│ ❯ 1\. Yes\n│ {3}2\. No\n│ Esc to cancel\n/);
});

test('where not all rows have room, the one at the cursor is in sight, and what is not is counted', () => {
  const of = many(200);
  const it = sit(of, ['G']);
  assert.match(cursorLine(it.lines()), /S0199/);
  assert.match(it.lines().join('\n'), /\d+-200 of 200/);
  const urgent = of.streams.map((each, i) => (i === 0 ? { ...each, needsYou: true } : each));
  it.take({ kind: 'report', report: { ...of, streams: urgent } });
  assert.match(it.lines().join('\n'), /of 200, ▲ 1 out of sight/);
});

test('property: no picture is wider or longer than the terminal, whatever is typed, and nothing hostile gets through', () => {
  const hostile = fc.constantFrom(
    '\u001b[31mred\u001b[2J',
    'a'.repeat(200),
    '統合テスト・日本語',
    '\u202egnirts',
    'x\ny',
    '',
  );
  const one: fc.Arbitrary<ReportStream> = fc
    .record({
      id: hostile,
      name: hostile,
      reason: hostile,
      remedy: hostile,
      needsYou: fc.boolean(),
      depth: fc.nat(3),
    })
    .map(({ id, ...rest }) =>
      stream(`${id}~`, 'needs-input', { ...rest, gate: { name: id, log: id, times: 2 } }),
    );
  const keys = fc.array(fc.constantFrom('j', 'G', ' ', '/', 'x', '?', 'cancel', 'enter', 'n', 'abc', 'd'), {
    maxLength: 6,
  });
  const columns = fc.constantFrom(20, 40, 80, 120, 200);
  fc.assert(
    fc.property(
      fc.array(one, { maxLength: 12 }),
      keys,
      columns,
      fc.integer({ min: 5, max: 50 }),
      hostile,
      fc.boolean(),
      (streams, typed, width, height, text, colour) => {
        const unique = streams.map((each, i) => ({ ...each, id: `${each.id}${i}` }));
        const size = { columns: width, rows: height };
        const detail = {
          id: unique[0]?.id ?? '',
          tasks: [{ title: text, status: text }],
          commit: text,
          screen: [text, `  ${text}`],
        };
        const it = sit(
          report(unique),
          [{ kind: 'detail', detail }, ...typed, { kind: 'said', text, good: false }],
          size,
        );
        const lines = it.lines({ colour });
        assert.ok(lines.length <= height, `${lines.length} lines on ${height} rows`);
        for (const line of lines) {
          assert.ok(stringWidth(line) <= width, `${stringWidth(line)} columns on ${width}: ${line}`);
          assert.doesNotMatch(stripVTControlCharacters(line), /[\p{Cc}\u202e]/u);
        }
      },
    ),
    { numRuns: 120 },
  );
});

test('the keys give way by width, the most needed last', () => {
  const foot = (columns: number) => sit(busyReport(), [], { columns, rows: 24 }).lines().at(-1) ?? '';
  assert.match(foot(200), /Enter open.*\? help.*x stop.*q quit/);
  assert.match(foot(40), /^Enter open {2}Space answer {2}\? help/);
  assert.doesNotMatch(
    sit(busyReport(), [], { columns: 200, rows: 24 }).lines({ session: true }).at(-1) ?? '',
    /quit/,
  );
});

test('a terminal’s bytes are read as keys, clicks, pastes and text, also in pieces', () => {
  const { keys, rest } = keysOf(
    'j\u001b[B\u001bOA\u001b[<0;12;7M\u001b[<0;12;7m\u001b[<65;1;1M\u001b[200~q\rx\u001b[201~é\u001b[3~\u001b[',
  );
  assert.deepEqual(keys, [
    { kind: 'text', text: 'j' },
    { kind: 'key', name: 'down' },
    { kind: 'key', name: 'up' },
    { kind: 'click', column: 11, row: 6 },
    { kind: 'key', name: 'wheel-down' },
    { kind: 'paste', text: 'q\rx' },
    { kind: 'text', text: 'é' },
  ]);
  assert.equal(rest, '\u001b[');
  assert.deepEqual(keysOf('\u001b[200~half').rest, '\u001b[200~half');
  assert.deepEqual(keysOf('\u001b').keys, []);
});

test('the help fits its width, and a usual screen wholly', () => {
  for (const [columns, rows] of [
    [40, 60],
    [60, 60],
    [80, 24],
    [200, 24],
  ] as const) {
    const lines = sit(busyReport(), ['?'], { columns, rows }).lines();
    assert.doesNotMatch(lines.join('\n'), /…/);
    assert.match(lines.join('\n'), /^ +q +leave/m);
  }
});

test('what is cut in no column: names where there is room, and costs', () => {
  const of = report([
    stream('Stream-A', 'running', { name: 'Temperature registry', costUsd: 0.0024 }),
    stream('Stream-B', 'failed', { name: 'Weights', reason: 'word '.repeat(60).trim(), needsYou: true }),
  ]);
  const text = sit(of, [], { columns: 120, rows: 30 }).lines().join('\n');
  assert.match(text, /Stream-A Temperature registry .*\$0\.0024/);
});

test('the help and the guide name every key that does something, and no other', () => {
  const of = report([stream('A', 'base-conflict', { gate: { name: 'g', attempts: 1, log: 'l' } as never })]);
  const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
  const before = sit(of).model();
  const known = printable.filter((key) => {
    const it = sit(of, [key]);
    return it.wishes.length > 0 || JSON.stringify(it.model()) !== JSON.stringify(before);
  });
  const help = sit(of, ['?'], { columns: 120, rows: 60 }).lines().join('\n');
  const guide = readFileSync(templatePath('ORCHESTRATION_GUIDE.md'), 'utf8');
  const table = guide.split('**The summary is a cockpit**')[1]?.split('## ')[0] ?? '';
  const cells = [...table.matchAll(/^\| ([^|]+) \|/gm)].map(([, cell = '']) => cell).join(' ');
  for (const key of known.filter((each) => each !== ' ')) {
    assert.ok(help.includes(` ${key} `), `the help has no ${key}`);
    assert.ok(cells.includes(`\`${key}\``), `the guide has no ${key}`);
  }
  for (const [, key = ''] of cells.matchAll(/`(.)`/g))
    assert.ok([...known, 'j', 'k', 'g', 'G', 'n'].includes(key), key);
});

test('a thousand streams have a layout whose lines are those of the screen', () => {
  const { rows } = sit(many(1000)).model();
  const { head, titles, shown, panel, foot } = layoutOf(rows, SIZE);
  assert.equal(head + titles + shown + panel + foot, SIZE.rows);
  assert.equal(sit(many(1000), ['G', 'k']).model().cursor, 'S0998');
});
