/** The page of `status --html`: nothing that a plan or an agent wrote acts in it, it says what the terminal says, and the plan is drawn. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Task } from '../../src/core/types.ts';
import { sha256Base64 } from '../../src/files/sha256.ts';
import { drawingOf } from '../../src/view/html/dag.ts';
import { PAGE_OPENING, renderPage } from '../../src/view/html/status-page.ts';
import { agoIso, busyReport, counts, event, NOW_MS, report, stream } from '../support/report-builders.ts';

const OPTIONS: Parameters<typeof renderPage>[1] = {
  nowMs: NOW_MS,
  tasks: [],
  earlier: [],
  command: 'orchestrate status --html plan.html --watch',
  everySeconds: 15,
  ended: false,
  trouble: null,
};

function task(of: string, title: string, status: Task['status'], blockedReason: string | null = null): Task {
  return {
    id: `TASK-${title}`,
    title,
    description: null,
    status,
    stream: of,
    assignedAgent: null,
    blockedReason,
    notes: null,
    acceptanceCriteria: [],
    createdAtMs: 0,
    updatedAtMs: 0,
  };
}

/** What a reader sees of a page: its texts, one a line. */
function textOf(page: string): string {
  return page
    .replace(/<(script|style|title)[\s\S]*?<\/\1>/g, '')
    .replace(/<[^>]*>/g, '\n')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&amp;', '&')
    .replace(/\n+/g, '\n');
}

describe('the page', () => {
  const busy = busyReport();
  const page = renderPage(busy, {
    ...OPTIONS,
    tasks: [
      task('Stream-B', 'Write the door', 'completed'),
      task('Stream-B', 'Test the door', 'in_progress'),
      task('Stream-D', 'Keep sessions', 'blocked', 'no database'),
      { ...task('Stream-D', 'End sessions', 'blocked'), notes: 'no clock\nand more' },
    ],
  });

  test('asks nothing of the network, and its policy lets nothing act but its own sheet and script', () => {
    assert.ok(page.startsWith(PAGE_OPENING));
    assert.doesNotMatch(page, /(?:src|href)="(?!#)|url\(|@import|https?:\/\//);
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
    const [, css = ''] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? [];
    const [, script = ''] = /<script>([\s\S]*?)<\/script>/.exec(page) ?? [];
    assert.deepEqual(policy.split('; '), [
      "default-src 'none'",
      `style-src 'sha256-${sha256Base64(css)}'`,
      `script-src 'sha256-${sha256Base64(script)}'`,
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    assert.doesNotMatch(page, / style=| on\w+=/);
  });

  test('has who needs the user before all else, what is asked, and the command, in the words of the terminal', () => {
    const text = textOf(page);
    const order = ['2 STREAMS NEED YOU', 'wants to run: rm -rf build', 'orchestrate attach Stream-C', '38%'];
    const places = order.map((each) => text.indexOf(each));
    assert.ok(!places.includes(-1), text);
    assert.deepEqual(
      places,
      [...places].sort((a, b) => a - b),
    );
    for (const words of [
      /orchestrate is running/,
      /1 of 7 streams done/,
      /7 of 18 tasks/,
      /~11m left/,
      /critical path\s+Stream-B → Stream-Z\s+5 open tasks/,
      /Wave 2 · 0 of 4 done/,
      /running for 4m · 2c \+96 −12/,
      /Write the door\n\s*completed/,
      /Test the door\n\s*in progress/,
      /Keep sessions\n\s*blocked\n?: no database/,
      /End sessions\n\s*blocked\n?: no clock\n/,
      /waits for B \(running\), C \(needs-input\)/,
    ])
      assert.match(text, words);
  });

  test('has how many wait in its title, who runs it on top, and each stream with its name and counted by its state', () => {
    const titleOf = (states: readonly boolean[]): string | undefined => {
      const streams = states.map((needsYou, at) =>
        stream(`S${at}`, needsYou ? 'failed' : 'ready', { needsYou }),
      );
      return /<title>(.*?)<\/title>/.exec(renderPage(report(streams), OPTIONS))?.[1];
    };
    assert.deepEqual([[true, true], [true, false], [false]].map(titleOf), [
      '▲ 2 0% OAuth login',
      '▲ 1 0% OAuth login',
      '0% OAuth login',
    ]);
    const text = textOf(page);
    for (const words of [
      /orchestrate is running \n\(pid 4711, since 11:45:00\)/,
      /Stream-C\n \nUser API\n \nneeds-input 7m\nwants to run/,
      /✗\n1 failed\n●\n1 running\n◑\n1 limited\n⊘\n1 blocked\n○\n1 waiting\n✓\n1 done\ncritical path/,
      /Depends on\nStream-B \(running\), Stream-C \(needs-input\)\nBranch\norchestrate\/stream-z\n/,
    ])
      assert.match(text, words);
    assert.match(page, /title="Stream-B \(Auth API\): running 4m, Bash npm test/);
    const tasks = Array.from({ length: 61 }, (_, at) => task('A', `Task ${at + 1}.`, 'pending'));
    const long = textOf(renderPage(report([stream('A', 'ready')]), { ...OPTIONS, tasks }));
    assert.match(long, /Task 60\.\n(?!.*Task 61\.)[\s\S]*\n1 more task\n/);
  });

  test('draws the plan: every stream once with its symbol and its state in words, under the heading of its wave', () => {
    const [drawing = ''] = /<svg class="dag"[\s\S]*?<\/section>/.exec(page) ?? [];
    for (const { id, state } of busy.streams) {
      assert.equal(drawing.split(`<span class="long">${id}</span>`).length, 2, id);
      assert.match(drawing, new RegExp(`<span class="short">${state}</span>`));
    }
    assert.deepEqual(
      [...drawing.matchAll(/>(Wave \d)</g)].map(([, wave]) => wave),
      ['Wave 1', 'Wave 2', 'Wave 3'],
    );
    assert.match(drawing, /class="critical"/);
  });

  test('has the latest event first, and each told once', () => {
    const [, events = ''] = /<section id="events">([\s\S]*?)<\/section>/.exec(page) ?? [];
    const messages = [...events.matchAll(/<p><bdi>(.*?)<\/bdi>/g)].map(([, message]) => message);
    assert.deepEqual(messages, [
      'gave up after 3 attempts: agent ended (exit 1), 2 tasks open',
      'wants to run: rm -rf build',
      'worker started (run 1)',
      'verified at a1b2c3d',
    ]);
  });

  test('says that nothing runs, that the last look failed, and which streams are stale or have landed', () => {
    const off = renderPage(
      report(
        [
          stream('A', 'done', { landed: true, costUsd: 0.42, workedMs: 180_000, waitedMs: 420_000 }),
          stream('B', 'done', { stale: true, reason: 'A has moved', remedy: 'orchestrate sync B' }),
          stream('C', 'ready'),
        ],
        { poller: { alive: false, pid: null, since: null, maxWorkers: null } },
      ),
      { ...OPTIONS, trouble: 'the store is locked' },
    );
    const text = textOf(off);
    for (const words of [
      /orchestrate is not running/,
      /Not running\. Start with: orchestrate start/,
      /The last look failed, this is the one before: the store is locked/,
      /B is stale: A has moved/,
      /orchestrate sync B/,
      /done · worked 3m · waited for you 7m · \$0\.42/,
      /\nlanded\n/,
      /\nstale\n/,
      /1 landed/,
    ])
      assert.match(text, words);
  });

  test('of a plan that is done says so with what comes next, and of none how to make one', () => {
    const done = renderPage(report([stream('A', 'done', { tasks: counts(3, 3) })]), OPTIONS);
    assert.match(textOf(done), /1 stream done in 15m\.[\s\S]*orchestrate merge/);
    assert.match(textOf(renderPage(report([]), OPTIONS)), /No plan yet: .+\n[\s\S]*orchestrate generate/);
  });

  test('reloads itself only while something rewrites it, also where scripts are off', () => {
    assert.match(page, /<noscript><meta http-equiv="refresh" content="5"><\/noscript>/);
    assert.match(page, /<body [^>]*data-reload="5"/);
    const once = renderPage(busy, { ...OPTIONS, everySeconds: null });
    assert.doesNotMatch(once, /http-equiv="refresh"|data-reload=/);
    assert.match(textOf(once), /It stays as it is\./);
  });

  test('names the streams of earlier plans apart, without what could be typed for them', () => {
    const earlier = [
      { id: 'old', title: 'Old plan', streams: [stream('A', 'stopped', { remedy: 'orchestrate x' })] },
    ];
    const text = textOf(renderPage(busy, { ...OPTIONS, earlier }));
    assert.match(text, /Earlier: Old plan[\s\S]*\nA\n[\s\S]*stopped/);
    assert.doesNotMatch(text, /orchestrate x/);
  });
});

/** Texts that would act if any place let them through as they are. */
const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</title></style></script><svg onload=alert(1)>',
  '</foreignObject></svg><iframe src=javascript:alert(1)>',
  '--><base href=//evil.example>',
  '&lt;b&gt; &amp;#x3c;script&amp;#x3e;',
  'javascript:alert(1)',
  '\u202egnp.exe \u001b[31mred\u0007 \u0000',
  `${'x'.repeat(9_000)}`,
];

test('a page of hostile texts in every place has the same elements and attributes as one of harmless texts', () => {
  const pageWith = (text: (place: number) => string): string => {
    const [id, other] = [text(1), `${text(2)} other`];
    const hostile = report(
      [
        stream(id, 'needs-input', {
          needsYou: true,
          name: text(3),
          reason: text(4),
          remedy: text(5),
          doing: text(6),
          branch: text(7),
          worktree: text(8),
          baseSha: text(9),
          headSha: text(10),
          gate: { name: text(11), log: text(12), times: 2 },
          since: agoIso(60_000),
        }),
        stream(other, 'done', {
          name: text(13),
          dependencies: [id],
          depth: 1,
          stale: true,
          reason: text(14),
        }),
      ],
      {
        workspace: text(15),
        initiative: { id: text(16), title: text(17) },
        session: { socket: 'default', name: text(18), alive: true },
        criticalPath: [id, other],
        events: [event(1, 1_000, id, 'warning', text(19))],
        problems: [{ code: 'cycle', message: text(20), streams: [id], tasks: [] }],
        warnings: [text(21)],
      },
    );
    return renderPage(hostile, {
      ...OPTIONS,
      command: text(22),
      trouble: text(23),
      tasks: [task(id, text(24), 'blocked', text(25))],
      earlier: [{ id: 'e', title: text(26), streams: [stream(text(27), 'stopped')] }],
    });
  };
  // Attribute values go too, so that what is left is what a browser would build.
  const elements = (page: string): string[] =>
    page.match(/<[^>]*>/g)?.map((tag) => tag.replace(/"[^"]*"/g, '""')) ?? [];
  const harmless = elements(pageWith((place) => `Harmless text ${place}`));
  assert.ok(harmless.length > 150);
  for (const evil of HOSTILE) {
    const page = pageWith((place) => `${evil} ${place}`);
    assert.deepEqual(elements(page), harmless, evil.slice(0, 40));
    assert.doesNotMatch(page, /(?!\n)[\p{Cc}\u202a-\u202e]/u, evil.slice(0, 40));
  }
});

describe('the drawing', () => {
  const chain = (ids: readonly string[], more: Readonly<Record<string, readonly string[]>> = {}) =>
    report(
      ids.map((id, depth) =>
        stream(id, 'waiting', { depth, dependencies: more[id] ?? ids.slice(0, depth).slice(-1) }),
      ),
    );
  const lineCount = (drawing: ReturnType<typeof drawingOf>): number =>
    [...(drawing?.lines.values() ?? [])].join('').split('M').length - 1;

  test('leaves out what follows from other dependencies, and what leads nowhere, back, or to itself', () => {
    const drawing = drawingOf(
      chain(['A', 'B', 'C'], { A: ['C', 'A', 'gone'], B: ['A', 'A'], C: ['A', 'B'] }),
    );
    assert.equal(lineCount(drawing), 2);
  });

  test('lets no two streams overlap, and lines pass waves between streams', () => {
    const wide = report([
      stream('A', 'done'),
      ...['B', 'C', 'D', 'E', 'F'].map((id) => stream(id, 'running', { depth: 1, dependencies: ['A'] })),
      stream('G', 'running', { depth: 0 }),
      stream('Z', 'waiting', { depth: 2, dependencies: ['B', 'F', 'G'] }),
    ]);
    const drawing = drawingOf(wide);
    assert.equal(drawing?.dense, false);
    for (const a of drawing?.boxes ?? [])
      for (const b of drawing?.boxes ?? [])
        assert.ok(
          a === b ||
            a.x + a.width <= b.x ||
            b.x + b.width <= a.x ||
            a.y + a.height <= b.y ||
            b.y + b.height <= a.y,
          `${a.stream.id} ${b.stream.id}`,
        );
    // G's line to Z goes straight on (H) in a place of its own in the wave between.
    assert.equal(([...(drawing?.lines.values() ?? [])].join('').match(/H/g) ?? []).length, 1);
  });

  test('of a thousand streams is of tiles in rows, of which no two overlap, and of too many lines says how many', () => {
    const many = Array.from({ length: 1_000 }, (_, i) =>
      stream(`S${i}`, 'waiting', {
        depth: Math.floor(i / 100),
        dependencies:
          i < 100
            ? []
            : Array.from(
                { length: 4 },
                (__, k) => `S${Math.floor(i / 100 - 1) * 100 + ((i * 7 + k * 13) % 100)}`,
              ),
      }),
    );
    const drawing = drawingOf(report(many));
    assert.equal(drawing?.dense, true);
    assert.equal(new Set(drawing?.boxes.map(({ x, y }) => `${x} ${y}`)).size, 1_000);
    assert.equal(drawing?.untold, 3_600);
    assert.equal(lineCount(drawing), 0);
  });
});
