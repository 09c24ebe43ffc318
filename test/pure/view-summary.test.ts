/** `status`, and `watch` where it is piped: fits every terminal, and what matters is on it and on top. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { STREAM_STATES } from '../../src/core/states.ts';
import type { ReportStream, StatusReport } from '../../src/report/types.ts';
import { renderFinal } from '../../src/view/pages/progress-lines.ts';
import { renderStatus, type TextOptions } from '../../src/view/pages/status-text.ts';
import { viewRequest } from '../../src/view/summary/view-request.ts';
import { agoIso, busyReport, counts, NOW_MS, report, stream } from '../support/report-builders.ts';

function render(of: StatusReport, options: Partial<TextOptions> = {}): string[] {
  return renderStatus(of, { columns: 120, colour: false, unicode: true, nowMs: NOW_MS, ...options });
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '統合テスト・日本語のとても長い名前がここにあります',
    '👩‍💻👨‍👩‍👧‍👦 family 🏳️‍🌈 ⚠️ 👍🏽',
    '\u001b[31mred\u001b[2J\u001b]0;title\u0007',
    'line one\nline two\r\n\tthree',
    '\u202egnirts desrever',
    '\u0dda \u0dda',
    'é'.repeat(40),
    'e\u0301\u0302\u0303'.repeat(20),
    '한국어 각 각',
    'a'.repeat(300),
    '',
  ),
);
const state = fc.constantFrom(...STREAM_STATES);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const time = fc.integer({ min: 0, max: 10 ** 9 }).map(agoIso);

const anyStream: fc.Arbitrary<ReportStream> = fc
  .record({
    id: hostile,
    state,
    name: hostile,
    needsYou: fc.boolean(),
    reason: maybe(hostile),
    remedy: maybe(hostile),
    since: maybe(time),
    dueAt: maybe(time),
    depth: fc.integer({ min: 0, max: 12 }),
    dependencies: fc.array(hostile, { maxLength: 5 }),
    doing: maybe(hostile),
    pid: maybe(fc.integer({ min: 1, max: 4_000_000 })),
    commits: maybe(fc.nat(5000)),
    added: maybe(fc.nat(9_000_000)),
    removed: maybe(fc.nat(9_000_000)),
    tokens: maybe(fc.nat(900_000_000)),
    tasks: fc.tuple(fc.nat(300), fc.nat(300)).map(([a, b]) => counts(Math.min(a, b), Math.max(a, b))),
  })
  .map(({ id, state: name, ...rest }) => stream(id, name, { blockedBy: rest.dependencies, ...rest }));

const anyReport: fc.Arbitrary<StatusReport> = fc
  .record({
    streams: fc.array(anyStream, { maxLength: 40 }),
    title: hostile,
    alive: fc.boolean(),
    warnings: fc.array(hostile, { maxLength: 4 }),
    messages: fc.array(hostile, { maxLength: 10 }),
    problems: fc.array(hostile, { maxLength: 2 }),
    etaMs: maybe(fc.nat(10 ** 9)),
    elapsedMs: maybe(fc.nat(10 ** 9)),
  })
  .map(({ streams, title, alive, warnings, messages, problems, ...rest }) =>
    report(streams, {
      ...rest,
      initiative: { id: 'i', title },
      poller: { alive, pid: alive ? 1 : null, since: null, maxWorkers: null },
      warnings,
      criticalPath: streams.slice(0, 5).map(({ id }) => id),
      problems: problems.map((message) => ({ code: 'cycle', message, streams: [], tasks: [] })),
      events: messages.map((message, i) => ({
        id: i,
        at: agoIso(i * 1000),
        stream: streams[i]?.id ?? null,
        run: 1,
        kind: 'launched',
        message,
      })),
    }),
  );

const columns = fc.constantFrom(40, 41, 60, 80, 99, 100, 120, 139, 140, 200);

test('property: no line is ever wider than the terminal, whatever a plan or an agent wrote', () => {
  fc.assert(
    fc.property(anyReport, columns, fc.boolean(), fc.boolean(), (of, width, colour, unicode) => {
      for (const line of render(of, { columns: width, colour, unicode })) {
        assert.ok(stringWidth(line) <= width, `${stringWidth(line)} columns on ${width}: ${line}`);
        assert.doesNotMatch(line, /[\n\r\t]/);
      }
    }),
    { numRuns: 70 },
  );
});

test('property: without colour nothing can reach the terminal but text; without unicode, nothing but ASCII', () => {
  fc.assert(
    fc.property(anyReport, columns, (of, width) => {
      const text = render(of, { columns: width }).join('');
      assert.doesNotMatch(text, /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      assert.match(render(of, { columns: width, unicode: false }).join(''), /^[\x20-\x7e]*$/);
    }),
    { numRuns: 40 },
  );
});

test('those who wait for the user are on top, longest first, each with reason and command', () => {
  const lines = render(busyReport());
  assert.equal(lines[0], '▲ 2 STREAMS NEED YOU');
  assert.match(
    lines[1] ?? '',
    /▲ Stream-C 7m {2}wants to run: rm -rf build {2}→ orchestrate attach Stream-C$/,
  );
  assert.match(lines[2] ?? '', /✗ Stream-D 1m {2}gave up after 3 attempts: gate "test" failed,/);
  assert.match(lines[3] ?? '', /^ {4}narrow screen$/, 'the whole reason, where there is room');
  assert.equal(lines[4], '    ↳ orchestrate retry Stream-D');
});

test('on a narrow terminal the command keeps a line of its own', () => {
  const lines = render(busyReport(), { columns: 40 });
  assert.deepEqual(lines.slice(2, 4), ['    build', '    ↳ orchestrate attach Stream-C']);
  assert.match(
    lines.join('\n'),
    /^ {4}what it printed is long enough to be$/m,
    'its lines are as long as they may be',
  );
  assert.match(
    lines.join('\n'),
    /^\d\d:\d\d:\d\d {2}C {2}wants to run: rm -rf build$/m,
    'called as in its row',
  );
});

test('a dead poller is the first thing said when there is work left, and nothing when all is done', () => {
  const dead = { poller: { alive: false, pid: null, since: null, maxWorkers: null } };
  const notRunning = { reason: 'orchestrate is not running' };
  const open = render(
    report([stream('A', 'ready', { ...notRunning, ownReason: null, remedy: 'orchestrate start' })], dead),
  );
  assert.equal(open[0], '▲ Not running. Start with: orchestrate start');
  assert.equal(open.join('\n').match(/not running/gi)?.length, 1, 'once on a screen');
  const done = render(report([stream('A', 'done', { tasks: counts(3, 3) })], dead));
  assert.match(
    done.join('\n'),
    /^✓ 1 stream done in 15m\.\s+Review: orchestrate review\s+Merge: orchestrate merge\s+Clean up: orchestrate clean/,
  );
  assert.match(done.join('\n'), /100%/);
});

test('the whole shows progress, times, totals and what remains of the critical path', () => {
  const text = render(busyReport()).join('\n');
  assert.match(text, /38% {2}1\/7 streams done {2}7\/18 tasks/);
  assert.match(text, /15m elapsed {2}~11m left$/m);
  assert.match(text, /▲ 1 needs-input {2}✗ 1 failed {2}● 1 running/);
  assert.match(text, /critical path {2}Stream-B → Stream-Z {2}5 open tasks/);
  const checking = report([stream('A', 'verifying', { tasks: counts(2, 2) })]);
  assert.match(render({ ...checking, criticalPath: ['A'] }).join('\n'), /critical path {2}A$/m);
});

test('rows stand by depth with mark, name, counts, state and what they are about', () => {
  const lines = render(busyReport(), { columns: 200 });
  const at = (start: RegExp) => lines.findIndex((line) => start.test(line));
  assert.ok(at(/^ +STREAM +NAME +TASKS +STATE/) < at(/^✓ +Stream-A/));
  assert.ok(at(/^✓ +Stream-A/) < at(/^○ +Stream-Z/));
  assert.match(
    lines[at(/^● +Stream-B/)] ?? '',
    /^● +Stream-B +Auth API +1\/4 +running 4m +2c \+96 −12 +Bash npm test/,
  );
  assert.match(lines[at(/^○ +Stream-Z/)] ?? '', /waits for B \(running\), C \(needs-input\)$/);
  assert.match(lines[at(/^◑ +Stream-E/)] ?? '', /tried again at \d\d:30, usage limit reached$/);
  const waves = render(report([stream('A', 'done'), stream('B', 'ready', { depth: 1 })]));
  const from = waves.indexOf('Wave 1 · 1 of 1 done');
  assert.match(waves[from + 1] ?? '', /^✓ A /);
  assert.equal(waves[from + 2], 'Wave 2 · 0 of 1 done');
});

test('the time of what is finished stands still, beside ages that go on', () => {
  const of = report([
    stream('A', 'done', { since: agoIso(60_000), workedMs: 300_000 }),
    stream('B', 'cancelled', { since: agoIso(60_000) }),
    stream('C', 'running', { since: agoIso(60_000) }),
  ]);
  const rowsAt = (nowMs: number) =>
    render(of, { nowMs })
      .filter((line) => /^\S [ABC] /.test(line))
      .map((line) => line.replace(/ +/g, ' '));
  const [before, later] = [rowsAt(NOW_MS), rowsAt(NOW_MS + 3_600_000)];
  assert.match(before[0] ?? '', /^✓ A 0\/3 done 5m$/);
  assert.deepEqual(later.slice(0, 2), before.slice(0, 2));
  assert.match(later[2] ?? '', /running 1h01/);
});

test('what is cancelled is not counted among what is to be done, and what is stale not as done, wherever it is counted', () => {
  const of = report([
    stream('A', 'done'),
    stream('B', 'done', { stale: true, pane: '%1' }),
    stream('C', 'cancelled', { pane: '%2', since: agoIso(60_000) }),
  ]);
  const text = render(of).join('\n');
  assert.match(text, /1\/2 streams done, 1 stale, 1 cancelled/);
  assert.match(text, /Wave 1 · 1 of 2 done/);
  const final = renderFinal(of, { columns: 100, colour: false, unicode: true });
  assert.equal(final[0], '1 of 2 streams done, 1 stale, 1 cancelled in 15m; 1 not.');
  const { totals, workers } = viewRequest(of, new Set(['%1', '%2']), { unicode: true, nowMs: NOW_MS });
  assert.match(totals, /✓ 1\/2 done$/);
  assert.equal(workers.at(-1)?.label, '⊗ cancelled', 'its time stands still');
  const all = report([stream('A', 'done'), stream('C', 'cancelled')]);
  assert.match(render(all)[0] ?? '', /^✓ 1 stream done in 15m\./);
  const landed = report([stream('A', 'done', { landed: true }), stream('C', 'cancelled')]);
  assert.match(render(landed)[0] ?? '', /^✓ 1 stream done and landed in 15m\./);
});

test('percent reaches 100 only when every stream is done, not when its tasks are', () => {
  const verifying = report([stream('A', 'verifying', { tasks: counts(3, 3) })]);
  assert.match(render(verifying).join('\n'), / 99% /);
});

test('ages and the elapsed time go on between two reports', () => {
  const later = render(busyReport(), { nowMs: NOW_MS + 120_000 }).join('\n');
  assert.match(later, /17m elapsed/);
  assert.match(later, /Stream-C 9m/);
});

test('a plan that cannot be run, and an empty one, say what to do', () => {
  const broken = report([stream('A', 'waiting')], {
    problems: [{ code: 'cycle', message: 'cycle: A -> B -> A', streams: [], tasks: [] }],
  });
  assert.match(
    render(broken)[0] ?? '',
    /^▲ the plan cannot be run: cycle: A -> B -> A {2}→ orchestrate plan$/,
  );
  assert.match(render(report([])).join('\n'), /No plan yet: .+\n↳ orchestrate generate$/m);
});

test('colours only add escapes: the text stays the same', () => {
  const plain = render(busyReport());
  const coloured = render(busyReport(), { colour: true });
  assert.deepEqual(coloured.map(stripVTControlCharacters), plain);
  assert.notDeepEqual(coloured, plain);
});
