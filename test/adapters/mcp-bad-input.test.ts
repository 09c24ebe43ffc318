/** What a broken or hostile client sends: every line is answered with what is wrong, the server lives, the store stays as it was. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import {
  initialize,
  type Json,
  type McpProject,
  mcpProject,
  type RawServer,
  rawServer,
  request,
} from '../support/mcp-rig.ts';

const MB = 1024 * 1024;

describe('an MCP server with a bad client', () => {
  let project: McpProject;
  let server: RawServer;
  let serial = 0;
  let taskId = '';
  let untouched = '';

  /** Sends a tool call and waits for its answer. */
  const call = async (name: unknown, args: unknown): Promise<Json> => {
    serial += 1;
    const id = serial;
    await server.write(request(id, 'tools/call', { name, arguments: args }));
    return server.message((message) => message.id === id);
  };
  const text = async (name: string, args: unknown): Promise<string> =>
    (await call(name, args)).result.content[0].text;
  const isAlive = async () => {
    const shown = JSON.parse(await text('task_get', { id: taskId }));
    assert.equal(shown.title, 'untouched');
  };
  /** Sends a raw line and waits for the error that answers it. */
  const wrong = async (line: string | Buffer, code: number, message: RegExp): Promise<Json> => {
    const seen = server.messages().length;
    await server.write(line);
    await server.write('\n');
    const answer = await server.nth(seen);
    assert.equal(answer.jsonrpc, '2.0');
    assert.equal(answer.error?.code, code, JSON.stringify(answer));
    assert.match(answer.error.message, message);
    return answer;
  };
  const dump = () =>
    JSON.stringify(
      ['initiatives', 'prds', 'tasks', 'work_products', 'activity_log', 'checkpoints'].map((table) =>
        project.store().prepare(`SELECT * FROM ${table} ORDER BY rowid`).all(),
      ),
    );

  before(async () => {
    project = mcpProject();
    server = rawServer(project);
    await server.write(initialize());
    await server.message((message) => message.id === 'init');
    taskId = JSON.parse(await text('task_create', { title: 'untouched', metadata: { streamId: 'A' } })).id;
    untouched = dump();
  });
  after(async () => {
    server.process.stdin?.end();
    assert.equal(await server.exit, 0);
    project.remove();
  });

  it('answers garbage with -32700 and serves the next call', async () => {
    await wrong('this is no json', -32700, /not JSON/);
    await wrong('{"jsonrpc":"2.0","id":1,', -32700, /not JSON/);
    await wrong('\u0000\u0001\u0002', -32700, /not JSON/);
    await wrong(Buffer.from([0x22, 0xff, 0xfe, 0x22]), -32700, /UTF-8/);
    assert.equal((await wrong('{"a": secret-password}', -32700, /not JSON/)).id, null);
    assert.ok(!JSON.stringify(server.messages()).includes('secret-password'));
    await isAlive();
  });

  it('answers JSON that is no request with -32600', async () => {
    await wrong('[]', -32600, /not a JSON-RPC message/);
    await wrong('null', -32600, /not a JSON-RPC message/);
    await wrong('{"id":"old","method":"ping"}', -32600, /jsonrpc/);
    await wrong('{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}', -32600, /id must be/);
    const answer = await wrong('{"jsonrpc":"2.0","id":"x9","method":7}', -32600, /method/);
    assert.equal(answer.id, 'x9');
    await wrong('{"jsonrpc":"2.0","id":"y","method":"ping","params":[1]}', -32600, /params/);
    await wrong('{"jsonrpc":"2.0","id":"z","method":"ping","params":{"_meta":5}}', -32600, /not a JSON-RPC/);
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    await wrong(`{"jsonrpc":"2.0","id":"deep","method":"ping","params":${deep}}`, -32600, /nested deeper/);
    await isAlive();
  });

  it('puts half lines together and ignores blank ones', async () => {
    const line = Buffer.from(request('half', 'ping').replace('"half"', '"hälf"'));
    const cut = line.indexOf(0xc3) + 1;
    await server.write(line.subarray(0, cut));
    await new Promise((resolve) => setImmediate(resolve));
    await server.write(Buffer.concat([line.subarray(cut), Buffer.from('\r\n\n   \n')]));
    assert.deepEqual((await server.message((message) => message.id === 'hälf')).result, {});
    await isAlive();
  });

  it('refuses a 10 MB line by the id of its request, its memory bounded', async () => {
    await isAlive();
    const resident = () => rssKb(server.process.pid ?? 0);
    const quiet = resident();
    const content = 'x'.repeat(10 * MB);
    const params = JSON.stringify({ name: 'prd_create', arguments: { title: 't', content } });
    const lines = [
      `{"jsonrpc":"2.0","id":"first","method":"tools/call","params":${params}}`,
      `{"method":"tools/call","params":${params},"jsonrpc":"2.0","id":"last"}`,
    ];
    for (const line of lines) {
      const answer = await wrong(line, -32600, /too large: 104\d{5} bytes/);
      assert.ok(line.includes(`"id":"${answer.id}"`), JSON.stringify(answer));
    }
    assert.equal((await wrong(content, -32600, /too large/)).id, null);
    const chunk = 'y'.repeat(MB);
    for (let sent = 0; sent < 100; sent += 1) await server.write(chunk);
    await wrong('', -32600, /too large: 104857600 bytes/);
    const grown = Math.round((resident() - quiet) / 1024);
    console.log(`resident memory after lines of 10, 10, 10 and 100 MB: +${grown} MB`);
    assert.ok(grown < 120, `grew by ${grown} MB`);
    await isAlive();
  });

  it('names the field that is wrong, and how', async () => {
    const nul = 'a\u0000b';
    const deep = JSON.parse(`${'{"a":'.repeat(30)}1${'}'.repeat(30)}`);
    const cases: [string, unknown, RegExp][] = [
      ['task_create', {}, /^Error: Invalid arguments for task_create: title: is required$/],
      ['task_create', { title: 7 }, /title: must be a string, not a number/],
      ['task_create', { title: '' }, /title: must not be empty/],
      ['task_create', { title: nul }, /title: must be one line without control characters/],
      ['task_create', { title: 'a\nb' }, /title: must be one line/],
      ['task_create', { title: '\ud800' }, /title: must be one line/],
      ['task_create', { title: 'x'.repeat(1001) }, /title: must not be longer than 1000/],
      ['task_create', { title: 't', description: 'a\u001b[31m' }, /description: must not contain control/],
      ['task_create', { title: 't', prdId: 'PRD-none' }, /^Error: prdId: there is no PRD PRD-none$/],
      ['task_create', { title: 't', parentId: 'TASK-none' }, /^Error: parentId: there is no task/],
      ['task_create', { title: 't', metadata: 'x' }, /metadata: must be an object, not a string/],
      ['task_create', { title: 't', metadata: [] }, /metadata: must be an object, not a list/],
      ['task_create', { title: 't', metadata: { streamId: 7 } }, /metadata\.streamId: must be a string/],
      ['task_create', { title: 't', metadata: { streamId: 'a\nb' } }, /metadata\.streamId: must be one line/],
      ['task_create', { title: 't', metadata: { streamId: 'x'.repeat(201) } }, /metadata\.streamId: .*200/],
      [
        'task_create',
        { title: 't', metadata: { dependencies: 'Stream-A' } },
        /metadata\.dependencies: must be a list, not a string/,
      ],
      [
        'task_create',
        { title: 't', metadata: { streamDependencies: ['A', 5] } },
        /metadata\.streamDependencies\[1\]: must be a string, not a number/,
      ],
      ['task_create', { title: 't', metadata: { files: { a: 1 } } }, /metadata\.files: must be a list/],
      [
        'task_create',
        { title: 't', metadata: { free: { deep: nul } } },
        /metadata: must not contain control/,
      ],
      ['task_create', { title: 't', metadata: { [nul]: 1 } }, /metadata: must not contain control/],
      ['task_create', { title: 't', metadata: deep }, /metadata: must not be nested deeper than 20/],
      ['task_create', { title: 't', metadata: { a: 'x'.repeat(65 * 1024) } }, /metadata: .*64 KB/],
      [
        'task_create',
        { title: 't', metadata: { activationMode: 'turbo' } },
        /^Error: Invalid activationMode: "turbo"\. Must be one of: ultrawork, analyze, quick, thorough/,
      ],
      ['task_update', { status: 'completed' }, /id: is required/],
      [
        'task_update',
        { id: taskId, status: 'done' },
        /status: must be one of pending, in_progress, blocked, completed, cancelled/,
      ],
      [
        'task_update',
        { id: taskId, notes: 'x'.repeat(64 * 1024 + 1) },
        /notes: must not be larger than 64 KB/,
      ],
      ['task_update', { id: taskId, notes: nul }, /notes: must not contain control characters/],
      ['task_update', { id: taskId, status: ['completed'] }, /status: must be one of/],
      ['task_list', { streamId: {} }, /streamId: must be a string, not an object/],
      ['stream_conflict_check', { files: 'a' }, /files: must be a list/],
      ['stream_archive_all', { confirm: 'true' }, /confirm: must be true or false, not a string/],
      ['stream_unarchive', { streamId: 'A' }, /^Error: No current initiative found\./],
      ['prd_create', { title: 't', content: 'x'.repeat(MB + 1) }, /content: must not be larger than 1024 KB/],
      ['prd_list', { status: 'x' }, /status: must be one of active, archived, cancelled/],
      ['work_product_store', { taskId, type: 'poem', title: 't', content: 'c' }, /type: must be one of/],
      ['work_product_store', { taskId: 'T', type: 'other', title: 't', content: 'c' }, /taskId: there is no/],
      ['progress_summary', { minConfidence: 'high' }, /minConfidence: must be a number, not a string/],
    ];
    for (const [name, args, expected] of cases) {
      const { result } = await call(name, args);
      assert.equal(result?.isError, true, `${name} ${JSON.stringify(args).slice(0, 200)} was accepted`);
      assert.match(result.content[0].text, expected);
      assert.ok(result.content[0].text.length < 2000);
    }
    await isAlive();
  });

  it('answers calls of the wrong form with an error of the protocol', async () => {
    assert.equal((await call(7, {})).error.code, -32602);
    assert.equal((await call('task_get', 'TASK-1')).error.code, -32602);
    serial += 1;
    await server.write(request(serial, 'no/such/method'));
    assert.equal((await server.message((message) => message.id === serial)).error.code, -32601);
    assert.equal(await text('__proto__', {}), 'Unknown tool: __proto__');
    await isAlive();
  });

  it('takes contents up to the limit, escapes and all', async () => {
    const notes = `${'\\"\n'.repeat(20_000)}é`;
    const { id } = JSON.parse(await text('task_create', { title: '🚀 $(touch x) #{y}', description: notes }));
    assert.equal(JSON.parse(await text('task_get', { id })).description, notes);
    const content = '\t'.repeat(MB);
    const product = { taskId: id, type: 'other', title: 't', content };
    assert.equal(JSON.parse(await text('work_product_store', product)).wordCount, 0);
    const store = project.store();
    store.exec('DELETE FROM work_products');
    store.prepare('DELETE FROM tasks WHERE id = ?').run(id);
  });

  it('has changed nothing in the store, and printed nothing but JSON-RPC', () => {
    assert.equal(dump(), untouched);
    for (const message of server.messages()) assert.equal(message.jsonrpc, '2.0');
  });
});

describe('the end of an MCP server', () => {
  let project: McpProject;
  before(() => {
    project = mcpProject();
  });
  after(() => project.remove());

  it('answers what it was asked before its input ended, and exits 0', async () => {
    const server = rawServer(project);
    const calls = Array.from({ length: 50 }, (_, at) =>
      request(at, 'tools/call', { name: 'task_create', arguments: { title: `task ${at}` } }),
    );
    server.process.stdin?.end(initialize() + calls.join('') + request('last', 'tools/list').trimEnd());
    assert.equal(await server.exit, 0);
    assert.equal(server.messages().length, 52);
    assert.equal(project.store().prepare('SELECT count(*) FROM tasks').pluck().get(), 50);
    assert.equal(server.stderr(), '');
  });

  it('says that the half line with which its input ended is no message, and exits 0', async () => {
    const server = rawServer(project);
    server.process.stdin?.end(`${initialize()}{"jsonrpc":"2.0","id":7,"method":"tools/ca`);
    assert.equal(await server.exit, 0);
    const [, answer] = server.messages();
    assert.deepEqual([answer.id, answer.error.code], [null, -32700]);
  });

  it('exits 0 on SIGINT and SIGTERM, and when nobody reads its output', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const server = rawServer(project);
      await server.write(initialize());
      await server.message((message) => message.id === 'init');
      server.process.kill(signal);
      assert.equal(await server.exit, 0, signal);
    }
    const server = rawServer(project);
    await server.write(initialize());
    await server.message((message) => message.id === 'init');
    server.process.stdout?.destroy();
    await server.write(request(1, 'tools/list') + request(2, 'tools/list'));
    assert.equal(await server.exit, 0);
  });

  it('says what is wrong with a store it cannot use, and goes on', async (t) => {
    const { mkdirSync, writeFileSync, readFileSync, rmSync } = await import('node:fs');
    const { dirname } = await import('node:path');
    const broken = mcpProject();
    mkdirSync(dirname(broken.planDbPath), { recursive: true });
    writeFileSync(broken.planDbPath, 'this is no database, by no means whatever'.repeat(100));
    const server = rawServer(broken);
    t.after(() => server.process.kill('SIGKILL'));
    await server.write(initialize() + request(1, 'tools/call', { name: 'task_list', arguments: {} }));
    const answer = await server.message((message) => message.id === 1);
    assert.equal(answer.result.isError, true);
    assert.match(
      answer.result.content[0].text,
      /^Error: the Task Copilot store .* is unusable: .*; it was left as it is/,
    );
    assert.match(readFileSync(broken.planDbPath, 'utf8'), /^this is no database/);
    rmSync(broken.planDbPath);
    await server.write(request(2, 'tools/call', { name: 'task_list', arguments: {} }));
    const mended = await server.message((message) => message.id === 2);
    assert.deepEqual(mended.result, { content: [{ type: 'text', text: '[]' }] });
    server.process.stdin?.end();
    assert.equal(await server.exit, 0);
    broken.remove();
  });
});

/** Resident memory of a process in KB. */
function rssKb(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }));
}
