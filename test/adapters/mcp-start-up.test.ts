/** How quick the MCP server is: to its first answer, against node loading the SDK alone, and at its most frequent call. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { ensureBuilt } from '../../scripts/build.ts';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { openCopilotDatabase } from '../../src/task-copilot/store-schema.ts';
import { initialize, type McpProject, mcpProject, rawServer, request } from '../support/mcp-rig.ts';

const ROUNDS = 5;
const UPDATES = 300;

let project: McpProject;
before(async () => {
  await ensureBuilt();
  project = mcpProject();
});
after(() => project.remove());

it('answers initialize about as soon as node has loaded the SDK, and an update in a few milliseconds', async () => {
  const sdk = ['server/index.js', 'server/stdio.js', 'types.js'].map((name) =>
    import.meta.resolve(`@modelcontextprotocol/sdk/${name}`),
  );
  const load = `await Promise.all(${JSON.stringify(sdk)}.map((url) => import(url))); process.stdout.write('x')`;
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    ours.push(await firstOutputMs([CLI_ENTRY, 'mcp'], initialize()));
    bare.push(await firstOutputMs(['--input-type=module', '-e', load], ''));
  }
  const { updateMs, pingMs } = await callP50Ms();
  const commitMs = commitP50Ms();
  const ratio = median(ours) / median(bare);
  console.log(
    `initialize answered ${Math.round(median(ours))} ms after spawn, node with the SDK alone ` +
      `${Math.round(median(bare))} ms, ratio ${ratio.toFixed(2)}; task_update p50 ${updateMs.toFixed(2)} ms, ` +
      `of which a ping ${pingMs.toFixed(2)} ms and a bare commit ${commitMs.toFixed(2)} ms`,
  );
  assert.ok(ratio < 1.5, `ratio ${ratio}`);
  const floorMs = pingMs + commitMs;
  assert.ok(updateMs < 3 || updateMs < 8 * floorMs, `p50 ${updateMs} ms, the floor is ${floorMs} ms`);
});

/** Time from spawning node to the first byte it prints, given `input`. */
function firstOutputMs(args: readonly string[], input: string): Promise<number> {
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: project.root,
    env: project.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.write(input);
  return new Promise((resolve) => {
    let tookMs = 0;
    child.stdout.once('data', () => {
      tookMs = performance.now() - startedAtMs;
      child.stdin.end();
    });
    child.once('exit', () => resolve(tookMs));
  });
}

/** The median times of updates and of pings, sent in turn, one after the other. */
async function callP50Ms(): Promise<{ updateMs: number; pingMs: number }> {
  const server = rawServer(project);
  let serial = 0;
  const ask = async (method: string, params: unknown) => {
    const seen = server.messages().length;
    serial += 1;
    await server.write(request(serial, method, params));
    return server.nth(seen);
  };
  await server.write(initialize());
  await server.nth(0);
  const task = { title: 't', assignedAgent: 'me', metadata: { streamId: 'S' } };
  const made = await ask('tools/call', { name: 'task_create', arguments: task });
  const { id } = JSON.parse(made.result.content[0].text);
  const updates: number[] = [];
  const pings: number[] = [];
  for (let at = 0; at < UPDATES; at += 1) {
    const status = at % 2 === 0 ? 'in_progress' : 'completed';
    const update = { name: 'task_update', arguments: { id, status, notes: `round ${at}` } };
    updates.push(await timed(() => ask('tools/call', update)));
    pings.push(await timed(() => ask('ping', {})));
  }
  server.process.stdin?.end();
  await server.exit;
  return { updateMs: median(updates), pingMs: median(pings) };
}

/** The median time of one row changed in one transaction, with the driver alone. */
function commitP50Ms(): number {
  const db = openCopilotDatabase(join(project.home, 'floor', 'tasks.db'), { create: true });
  db.exec(`INSERT INTO tasks (id, title, created_at, updated_at) VALUES ('T', 't', '', '')`);
  const update = db.prepare('UPDATE tasks SET notes = ? WHERE id = ?');
  const took = Array.from({ length: UPDATES }, (_, at) => {
    const startedAtMs = performance.now();
    db.transaction(() => update.run(`round ${at}`, 'T')).immediate();
    return performance.now() - startedAtMs;
  });
  db.close();
  return median(took);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
