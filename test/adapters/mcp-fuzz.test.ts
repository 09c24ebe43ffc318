/** Thousands of arbitrary lines and calls: each is answered once, in a form a client understands, and none shows our insides. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { TOOLS } from '../../src/task-copilot/mcp/tools.ts';
import {
  initialize,
  type Json,
  type McpProject,
  mcpProject,
  type RawServer,
  rawServer,
  request,
} from '../support/mcp-rig.ts';

const SEED = 20250131;
const LINES = 1_000;
const CALLS = 2_000;
/** What only the driver, the engine or the SDK would say. */
const INSIDES =
  /SQLITE|SQLite|constraint failed|near "|TypeError|Cannot read|is not a function|undefined|\[object|at \w+ \(|node:/;

let project: McpProject;
let server: RawServer;
describe('mcp fuzz', () => {
  before(async () => {
    project = mcpProject();
    server = rawServer(project);
    await server.write(initialize());
    await server.message(({ id }) => id === 'init');
  });
  after(async () => {
    server.process.stdin?.end();
    await server.exit;
    project.remove();
  });

  it(`outlives ${LINES} arbitrary lines, and says of each what is wrong`, async () => {
    const words = fc.constantFrom(
      'jsonrpc',
      'id',
      'method',
      'params',
      'name',
      'arguments',
      '_meta',
      'result',
      'error',
    );
    const odd = fc.dictionary(
      words,
      fc.oneof(fc.jsonValue(), fc.constantFrom('2.0', 'tools/call', 'initialize', 7)),
    );
    const cut = fc.tuple(odd, fc.nat()).map(([value, at]) => JSON.stringify(value).slice(0, at % 40));
    const bytes = fc
      .uint8Array({ maxLength: 60 })
      .map((values) => Buffer.from(values.filter((byte) => byte !== 10)));
    const line = fc.oneof(
      fc.json(),
      odd.map((value) => JSON.stringify(value)),
      cut,
      fc.string(),
      bytes,
    );
    const seen = server.messages().length;
    for (const each of fc.sample(line, { seed: SEED, numRuns: LINES })) {
      await server.write(typeof each === 'string' ? each.replaceAll('\n', ' ') : each);
      await server.write('\n');
    }
    await server.write(request('end of lines', 'ping'));
    await server.message(({ id }) => id === 'end of lines');
    const errors = server.messages().slice(seen, -1);
    assert.ok(errors.length > LINES / 2, `${errors.length} answers`);
    for (const { jsonrpc, error } of errors) {
      assert.equal(jsonrpc, '2.0');
      assert.ok(error === undefined || (Number.isInteger(error.code) && error.message.length < 1_000));
    }
    assert.deepEqual(project.store().prepare('SELECT count(*) AS n FROM tasks').get(), { n: 0 });
  });

  it(`answers ${CALLS} calls with arbitrary arguments each once, never with its insides`, async () => {
    const calls = fc.sample(arbitraryCall(), { seed: SEED, numRuns: CALLS });
    for (const [at, { name, args }] of calls.entries()) {
      await server.write(request(`call ${at}`, 'tools/call', { name, arguments: args }));
    }
    const answersNow = () => server.messages().filter(({ id }) => String(id).startsWith('call '));
    await server.message(({ id }) => id === `call ${CALLS - 1}` && answersNow().length >= CALLS);
    const answers = answersNow();
    const answered = answers.map(({ id }) => Number(id.slice('call '.length)));
    assert.deepEqual(
      [...answered].sort((a, b) => a - b),
      calls.map((_, at) => at),
    );
    let succeeded = 0;
    for (const [at, { result }] of answers.entries()) {
      const shown = JSON.stringify([calls[answered[at] ?? 0], result]).slice(0, 1_000);
      assert.equal(result?.content?.length, 1, shown);
      const { text } = result.content[0];
      if (result.isError === true) {
        assert.match(text, /^Error: \S/, shown);
        assert.doesNotMatch(text, INSIDES, shown);
      } else succeeded += 1;
    }
    assert.ok(succeeded > CALLS / 20, `only ${succeeded} succeeded: the arguments test nothing`);
    assert.equal(server.stderr(), '');
    await server.write(request('plan', 'tools/call', { name: 'stream_list', arguments: {} }));
    const { result } = await server.message(({ id }) => id === 'plan');
    assert.ok(Array.isArray(JSON.parse(result.content[0].text).streams), 'what was stored can be read');
  });

  /** A call of a tool with arguments of its own names, mostly of the right kind, with ids that exist now and then. */
  function arbitraryCall(): fc.Arbitrary<{ name: string; args: Json }> {
    const id = fc.constantFrom(
      'A',
      'B',
      'PRD-x',
      'I',
      '__proto__',
      "'; DROP TABLE tasks; --",
      '$(touch x)',
      'ü\u202e',
    );
    const right = fc.oneof(
      id,
      fc.string(),
      fc.constantFrom('pending', 'completed', 'other', true, 0.5, null),
    );
    const metadata = fc.record(
      {
        streamId: right,
        dependencies: fc.array(id, { maxLength: 3 }),
        files: fc.array(id, { maxLength: 2 }),
        free: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const value = fc.oneof(
      { weight: 5, arbitrary: right },
      { weight: 2, arbitrary: metadata },
      fc.array(id),
      fc.jsonValue(),
    );
    return fc.constantFrom(...TOOLS).chain(({ name, input }) => {
      const names = Object.keys((input as unknown as { shape: object }).shape);
      return fc
        .dictionary(fc.constantFrom(...names), value, { noNullPrototype: true })
        .map((args) => ({ name, args }));
    });
  }
});
