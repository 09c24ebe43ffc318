/** `import` and `plan` end to end, on real stores. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, beforeEach, describe, test } from 'node:test';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { type CliRig, createCliRig } from '../support/cli-rig.ts';
import { openTerminal } from '../support/tmux-client.ts';
import { DEADLINE_MS } from '../support/wait.ts';

let rig: CliRig;
/** Each test has a store of its own in the same repository. */
let stores = 0;
describe('plan', () => {
  before(async () => {
    rig = await createCliRig();
  });
  after(() => rig[Symbol.asyncDispose]());
  beforeEach(() => {
    stores += 1;
  });

  const storeDirectory = () => join(rig.home, `tasks-${stores}`);
  const storeFile = () => join(storeDirectory(), 'project', 'tasks.db');
  const run = (args: readonly string[], input = '') =>
    rig.run(args, { input, env: { TASK_DB_PATH: storeDirectory() } });
  /** A plan as the text of a file: streams with their dependencies, one task each. */
  const planFile = (streams: Record<string, string[]>, over: object = {}) =>
    JSON.stringify({
      initiative: { id: 'i1', title: 'First' },
      streams: Object.entries(streams).map(([id, dependencies]) => ({
        id,
        dependencies,
        tasks: [{ title: `of ${id.slice(0, 50)}` }],
      })),
      ...over,
    });
  const DIAMOND = { A: [], B: ['A'], C: ['A'], Z: ['B', 'C'] };
  const importing = (text: string, ...flags: string[]) => run(['import', '-', ...flags], text);
  const planned = async (...flags: string[]) => JSON.parse((await run(['plan', '--json', ...flags])).stdout);

  test('a YAML file becomes the plan', async () => {
    rig.write(
      'plans/p.yaml',
      'streams:\n  - id: Stream-A\n    name: Base\n    tasks: [{title: x, agent: me}]\n  - {id: B, dependencies: [Stream-A], tasks: [{title: y}]}\n',
    );
    const imported = await run(['import', 'plans/p.yaml', '--json']);
    assert.equal(imported.code, 0, imported.stderr);
    const answer = JSON.parse(imported.stdout);
    assert.match(answer.prd, /^PRD-/);
    assert.deepEqual([answer.schemaVersion, answer.streams, answer.tasks], [1, 2, 2]);
    const shown = await run(['plan']);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /Depth 1:\n {4}• B → depends on: Stream-A\n/);
    const tasks = JSON.parse((await run(['task', 'list', '--json'])).stdout).tasks;
    assert.deepEqual(
      tasks.map((task: { title: string; stream: string }) => [task.title, task.stream]),
      [
        ['x', 'Stream-A'],
        ['y', 'B'],
      ],
    );
  });

  test('import says what it made and shows the structure', async () => {
    const imported = await importing(planFile(DIAMOND));
    assert.equal(imported.code, 0, imported.stderr);
    assert.match(
      imported.stdout,
      /^PRD Created: PRD-\S+\nTasks Created: 4 tasks across 4 streams\n\nStream Dependency Structure:\n/,
    );
    assert.match(imported.stdout, /Next: orchestrate start\n$/);
  });

  test('a dry run answers the same and leaves nothing, with and without a store', async () => {
    const before = await importing(planFile(DIAMOND), '--dry-run', '--json');
    assert.equal(before.code, 0, before.stderr);
    assert.deepEqual(
      { ...JSON.parse(before.stdout), prd: '' },
      {
        schemaVersion: 1,
        prd: '',
        streams: 4,
        tasks: 4,
        added: 4,
        changed: 0,
        archivedTasks: 0,
        dryRun: true,
      },
    );
    assert.ok(!existsSync(storeFile()));
    await importing(planFile({ A: [] }));
    const after = await importing(
      planFile(DIAMOND, { initiative: { id: 'i2', title: 'Second' } }),
      '--dry-run',
    );
    assert.match(
      after.stdout,
      /Dry run, nothing was changed[\s\S]*^Archived: 1 task of earlier initiatives$/m,
    );
    assert.equal((await planned()).initiative.id, 'i1');
  });

  test('a plan of another initiative tells that it puts the tasks of the one before aside', async () => {
    await importing(planFile({ A: [], B: [] }));
    const next = planFile({ A: [] }, { initiative: { id: 'i2', title: 'Second' } });
    const { stdout } = await importing(next);
    assert.match(
      stdout,
      /^Tasks Created: 1 task across 1 stream\nArchived: 2 tasks of earlier initiatives\n\n/m,
    );
  });

  test('the same initiative again is refused, and updated on demand', async () => {
    await importing(planFile({ A: [] }));
    const again = await importing(planFile(DIAMOND));
    assert.equal(again.code, 7);
    assert.match(again.stderr, /--update/);
    assert.equal((await planned()).streams.length, 1);
    const updated = await importing(planFile(DIAMOND), '--update', '--json');
    assert.deepEqual(
      { ...JSON.parse(updated.stdout), prd: '' },
      {
        schemaVersion: 1,
        prd: '',
        streams: 4,
        tasks: 4,
        added: 3,
        changed: 0,
        archivedTasks: 0,
        dryRun: false,
      },
    );
    const addition = await importing(planFile({ Y: ['Z'] }), '--update');
    assert.equal(addition.code, 0, addition.stderr);
    assert.match(addition.stdout, /^PRD: PRD-\S+\nTasks Created: 1 task across /);
    assert.deepEqual((await planned()).depths, [['A'], ['B', 'C'], ['Z'], ['Y']]);
  });

  test('a bad plan is refused with everything that is wrong, and makes no store', async () => {
    for (const [text, words] of [
      [
        'streams:\n  - id: A\n    task: []\n',
        /error: stdin:2: streams\[0\]\.tasks is missing \(and 1 more\)\n[\s\S]*stdin:3: unknown key "task" \(did you mean "tasks"\?\)/,
      ],
      [planFile({ R: [], A: ['C'], B: ['A'], C: ['B'] }), /cycle: A → C → B → A/],
      [planFile({ R: [], A: ['A'] }), /"A" depends on itself/],
      [planFile({ R: [], A: ['nowhere'] }), /"A" depends on "nowhere", which is no stream/],
      [planFile({ R: [], ['x'.repeat(10_000)]: [] }), /longer than 200/],
      [planFile({ R: [], 'a\u001b[31m': [] }), /control character/],
    ] as const) {
      const result = await importing(text);
      assert.equal(result.code, 7);
      assert.match(result.stderr, /^orchestrate: error: .*\n {2}fix: /);
      assert.match(result.stderr, words);
      assert.doesNotMatch(result.stderr, /[^\n\P{Cc}]/u);
      assert.ok(!existsSync(storeFile()));
    }
  });

  test('files that are none are named', async () => {
    rig.write('bytes.yaml', '');
    const streams =
      'streams:\n  - id: A\n    name: One\n    tasks:\n      - title: a\n      - title: b\n      - title: c\n  - id: B\n    name: Two\n    tasks: [{title: d}]\n';
    rig.write('plan.yaml', `${streams}    depends_on: [A]\n`);
    rig.write(
      'colon.yaml',
      `${streams}  - id: C\n    tasks:\n      - title: e\n        description: Mend it: now\n`,
    );
    for (const [file, words] of [
      [
        'nofile.yaml',
        /^orchestrate: error: no such file: nofile\.yaml\n {2}fix: give the path of a plan file; .*ORCHESTRATION_GUIDE\.md\n/,
      ],
      ['.', /error: \. is a directory, not a file\n/],
      ['bytes.yaml', /error: bytes\.yaml:1: a plan is a map with the key/],
      [
        'plan.yaml',
        /^orchestrate: error: plan\.yaml:11: unknown key "depends_on" \(did you mean "dependencies"\?\)\n/,
      ],
      ['colon.yaml', /^orchestrate: error: colon\.yaml:14: quote text that contains ": "/],
    ] as const) {
      const result = await run(['import', file]);
      assert.equal(result.code, 7, file);
      assert.match(result.stderr, words);
    }
  });

  test('stdin without an end is refused after 5 MB, and other bytes than UTF-8', async () => {
    const child = rig.start(['import', '-'], { env: { TASK_DB_PATH: storeDirectory() } });
    let stderr = '';
    child.stderr?.on('data', (chunk) => {
      stderr += String(chunk);
    });
    const fed = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(65_536, '#');
      })(),
    );
    assert.ok(child.stdin);
    child.stdin.on('error', () => fed.destroy());
    fed.pipe(child.stdin);
    const [code] = await once(child, 'close', { signal: AbortSignal.timeout(DEADLINE_MS) });
    assert.deepEqual(
      [code, stderr],
      [
        7,
        'orchestrate: error: stdin is larger than 5 MB\n  fix: name a smaller file, or leave out what is not needed\n',
      ],
    );
    const latin = rig.start(['import', '-'], { env: { TASK_DB_PATH: storeDirectory() } });
    latin.stdin?.end(Buffer.from(planFile(DIAMOND).replace('First', 'F\u00e4'), 'latin1'));
    assert.deepEqual(await once(latin, 'close'), [7, null]);
  });

  test('a worker does not change the plan', async () => {
    for (const args of [
      ['import', '-'],
      ['import', '-', '--dry-run'],
      ['generate', 'more'],
    ]) {
      const env = { TASK_DB_PATH: storeDirectory(), ORCHESTRATE_TOKEN: 'made up' };
      const { code, stderr } = await rig.run(args, { input: planFile(DIAMOND), env });
      assert.equal(code, 5, args.join(' '));
      assert.match(
        stderr,
        /changes the plan, which an agent may not do: say in the notes of your task .*\n {2}fix: orchestrate task list\n/,
      );
    }
    assert.ok(!existsSync(storeFile()));
  });

  test('hostile ids and titles are data from the file to the drawing', async () => {
    const ids = [
      '../../x',
      '-rf',
      '$(touch pwn)',
      '#(touch pwn)',
      'a;b',
      'x;',
      '{start}',
      '1',
      '.',
      'a.lock',
      '😀',
      'a b',
      'a-b',
      'Stream-A',
      'stream-a',
      'a',
      'a/b',
    ];
    const streams = ids.map((id) => ({
      id,
      tasks: [{ title: `\u001b[2J${id}`, description: '$(touch pwn)' }],
    }));
    const imported = await importing(JSON.stringify({ streams }));
    assert.equal(imported.code, 0, imported.stderr);
    const plan = await planned();
    assert.deepEqual(
      plan.streams.map((stream: { id: string }) => stream.id),
      ids,
    );
    assert.deepEqual(plan.problems, []);
    for (const form of [[], ['--mermaid'], ['--dot']]) {
      const shown = await run(['plan', ...form]);
      assert.equal(shown.code, 0);
      assert.doesNotMatch(shown.stdout, /[^\n\P{Cc}]/u);
    }
    assert.ok(!existsSync(join(rig.root, 'pwn')));
  });

  test('an empty store says what tasks need, an archived plan says so', async () => {
    assert.equal((await run(['plan'])).code, 6);
    await importing(planFile({ A: [] }));
    const link = { name: 'initiative_link', arguments: { initiativeId: 'i2', title: 'Second' } };
    await run(['mcp'], `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: link })}\n`);
    const shown = await run(['plan']);
    assert.equal(shown.code, 7);
    assert.match(
      shown.stderr,
      /No streams found in Task Copilot: the one stream task there is archived\n[\s\S]*"streamId": "Stream-A"/,
    );
    const json = await run(['plan', '--json']);
    assert.equal(json.code, 7);
    assert.equal(JSON.parse(json.stdout).problems[0].code, 'archived-only');
  });

  test('plan and start name every problem of a plan below the error line', async () => {
    await importing(planFile({ A: [] }));
    const metadata = { streamId: 'B', dependencies: ['Gone', 'Lost'] };
    const call = { name: 'task_create', arguments: { title: 'T', metadata } };
    await run(['mcp'], `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call })}\n`);
    await run(['init', '--yes']);
    for (const command of ['plan', 'start']) {
      const { code, stderr } = await run([command]);
      assert.equal(code, 7);
      assert.match(
        stderr,
        /^orchestrate: error: .*"B" depends on "Gone", .* \(and 1 more\)\n {2}fix: .*\n\nProblems:\n/,
      );
      assert.match(stderr, /"B" depends on "Lost"/);
    }
  });

  test('a terminal that does not know its size, as a container may have it, is written to as one of 80 columns', async () => {
    await run(['import', '-'], planFile({ A: [], B: ['A'] }));
    const env = { ...rig.env, TASK_DB_PATH: storeDirectory() };
    const unsized = (words: string) =>
      `stty cols 0 rows 0; '${process.execPath}' '${CLI_ENTRY}' ${words}; read -r stay`;
    const size = { columns: 100, rows: 40 };
    for (const [words, whole] of [
      ['plan', /^Critical path: A → B \(2 open tasks\)$/m],
      ['status', /^▲ Not running\. Start with: orchestrate start$/m],
      ['watch', /^▲ Not running\. Start with: orchestrate start *$/m],
    ] as const) {
      using terminal = openTerminal(['/bin/sh', '-c', unsized(words)], size, env, rig.root);
      await terminal.sees(whole);
    }
  });
});
