/** Many MCP servers on one store at once: nothing is lost, nothing fails, and a reader reads on. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openPlanStore } from '../../src/task-copilot/plan-store.ts';
import {
  initialize,
  type McpProject,
  mcpProject,
  type RawServer,
  rawServer,
  request,
} from '../support/mcp-rig.ts';

const SERVERS = 20;
const UPDATES = 200;
const READ_EVERY_MS = 10;

let project: McpProject;
let servers: RawServer[] = [];
describe('mcp concurrency', () => {
  before(() => {
    project = mcpProject();
  });
  after(async () => {
    for (const server of servers) server.process.stdin?.end();
    await Promise.all(servers.map((server) => server.exit));
    project.remove();
  });

  it(`loses none of ${UPDATES} updates by each of ${SERVERS} servers that open a new store at once`, async () => {
    servers = Array.from({ length: SERVERS }, () => rawServer(project));
    const created = await Promise.all(
      servers.map(async (server, index) => {
        const task = { title: `task ${index}`, metadata: { streamId: `S${index % 4}` } };
        await server.write(
          initialize() + request('make', 'tools/call', { name: 'task_create', arguments: task }),
        );
        const { result } = await server.message(({ id }) => id === 'make');
        assert.equal(result.isError, undefined, result.content[0].text);
        return JSON.parse(result.content[0].text).id as string;
      }),
    );

    let isDone = false;
    const reading = readOn(() => isDone);
    const answered = await Promise.all(
      servers.map(async (server, index) => {
        const lines = Array.from({ length: UPDATES }, (_, at) => {
          const id = created[(index + at) % SERVERS];
          const update = { id, notes: `${index}/${at}`, metadata: { [`u${index}-${at}`]: 1 } };
          return request(at, 'tools/call', { name: 'task_update', arguments: update });
        });
        await server.write(lines.join(''));
        await server.message(({ id }) => id === UPDATES - 1);
        return server.messages().filter(({ id }) => typeof id === 'number');
      }),
    );
    isDone = true;
    const reads = await reading;

    const failed = answered.flat().filter(({ result }) => result === undefined || result.isError === true);
    assert.deepEqual(failed, []);
    assert.equal(answered.flat().length, SERVERS * UPDATES);
    const rows = project.store().prepare('SELECT metadata FROM tasks').pluck().all() as string[];
    assert.equal(rows.length, SERVERS);
    const kept = rows
      .flatMap((text) => Object.keys(JSON.parse(text)))
      .filter((key) => /^u\d+-\d+$/.test(key));
    assert.equal(new Set(kept).size, SERVERS * UPDATES);
    assert.ok(reads > 0);
    for (const server of servers) assert.equal(server.stderr(), '');
  });

  /** Reads the plan, as the poller does, until told to stop; returns how often. */
  async function readOn(isDone: () => boolean): Promise<number> {
    const store = openPlanStore(project.planDbPath, { create: false });
    let reads = 0;
    while (!isDone()) {
      assert.equal(store.readPlan().streams.length, 4);
      reads += 1;
      await pause(READ_EVERY_MS);
    }
    store.close();
    return reads;
  }
});
