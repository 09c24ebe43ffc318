/** How quick the MCP server is: to its first answer, against node loading the SDK alone, and at its most frequent call. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, it } from 'node:test';
import {
  initialize,
  type McpProject,
  mcpProject,
  rawServer,
  request,
  serverArgs,
} from '../support/mcp-rig.ts';

const ROUNDS = 5;
const UPDATES = 300;

let project: McpProject;
before(() => {
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
    ours.push(await firstOutputMs(serverArgs(), initialize()));
    bare.push(await firstOutputMs(['--input-type=module', '-e', load], ''));
  }
  const updateMs = await updateP50Ms();
  const isBundle = serverArgs().length === 2;
  const ratio = median(ours) / median(bare);
  console.log(
    `initialize answered ${Math.round(median(ours))} ms after spawn (${isBundle ? 'bundle' : 'sources'}), ` +
      `node with the SDK alone ${Math.round(median(bare))} ms, ratio ${ratio.toFixed(2)}; ` +
      `task_update p50 ${updateMs.toFixed(2)} ms`,
  );
  if (isBundle) assert.ok(ratio < 1.5, `ratio ${ratio}`);
  assert.ok(updateMs < 30, `p50 ${updateMs} ms`);
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

/** The median time of updates sent one after the other. */
async function updateP50Ms(): Promise<number> {
  const server = rawServer(project);
  const call = async (id: number, name: string, args: unknown) => {
    const seen = server.messages().length;
    await server.write(request(id, 'tools/call', { name, arguments: args }));
    return server.nth(seen);
  };
  await server.write(initialize());
  await server.nth(0);
  const task = { title: 't', assignedAgent: 'me', metadata: { streamId: 'S' } };
  const made = await call(1, 'task_create', task);
  const { id } = JSON.parse(made.result.content[0].text);
  const took: number[] = [];
  for (let at = 0; at < UPDATES; at += 1) {
    const status = at % 2 === 0 ? 'in_progress' : 'completed';
    const startedAtMs = performance.now();
    await call(at + 2, 'task_update', { id, status, notes: `round ${at}` });
    took.push(performance.now() - startedAtMs);
  }
  server.process.stdin?.end();
  await server.exit;
  return median(took);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
