/** How quick the MCP server is: to its first answer, beside Node loading the SDK alone, and at its most frequent call. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { openCopilotDatabase } from '../../src/task-copilot/store-schema.ts';
import { initialize, type McpProject, mcpProject, rawServer, request } from '../../test/support/mcp-rig.ts';
import { ensureBuilt } from '../build.ts';
import { type Benchmark, byTurns, durationMs, type Figure } from './measure.ts';

const ROUNDS = 7;
const UPDATES = 300;

/** Time from spawning node to the first byte it prints, given `input`. */
function firstOutputMs(project: McpProject, args: readonly string[], input: string): Promise<number> {
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: project.root,
    env: project.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.write(input);
  return new Promise((resolve) => {
    let tookMs = Number.NaN;
    child.stdout.once('data', () => {
      tookMs = performance.now() - startedAtMs;
      child.stdin.end();
    });
    child.once('exit', () => resolve(tookMs));
  });
}

async function startUp(project: McpProject): Promise<Figure> {
  const sdk = ['server/index.js', 'server/stdio.js', 'types.js'].map((name) =>
    import.meta.resolve(`@modelcontextprotocol/sdk/${name}`),
  );
  const load = `await Promise.all(${JSON.stringify(sdk)}.map((url) => import(url))); process.stdout.write('x')`;
  const [samples, bare] = await byTurns(ROUNDS, [
    () => firstOutputMs(project, [CLI_ENTRY, 'mcp'], initialize()),
    () => firstOutputMs(project, ['--input-type=module', '-e', load], ''),
  ]);
  return {
    name: 'answer to initialize',
    unit: 'ms',
    samples,
    floor: { name: 'node loads the SDK', samples: bare },
  };
}

/** Updates and pings sent by turns, one after the other. */
async function update(project: McpProject): Promise<Figure> {
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
  let round = 0;
  const [samples, pings] = await byTurns(UPDATES, [
    () => {
      round += 1;
      const status = round % 2 === 0 ? 'in_progress' : 'completed';
      const args = { name: 'task_update', arguments: { id, status, notes: `round ${round}` } };
      return durationMs(() => ask('tools/call', args));
    },
    () => durationMs(() => ask('ping', {})),
  ]);
  server.process.stdin?.end();
  await server.exit;
  return { name: 'task_update', unit: 'ms', samples, floor: { name: 'a ping', samples: pings } };
}

/** One row changed in one transaction, with the driver alone. */
async function commit(project: McpProject): Promise<Figure> {
  const db = openCopilotDatabase(join(project.home, 'floor', 'tasks.db'), { create: true });
  db.exec(`INSERT INTO tasks (id, title, created_at, updated_at) VALUES ('T', 't', '', '')`);
  const statement = db.prepare('UPDATE tasks SET notes = ? WHERE id = ?');
  const change = db.transaction((notes: string) => statement.run(notes, 'T'));
  let round = 0;
  const [samples] = await byTurns(UPDATES, [
    () => {
      round += 1;
      return durationMs(() => change.immediate(`round ${round}`));
    },
  ]);
  db.close();
  return { name: 'a bare commit', unit: 'ms', samples, floor: null };
}

async function measure(): Promise<readonly Figure[]> {
  await ensureBuilt();
  const project = mcpProject();
  try {
    return [await startUp(project), await update(project), await commit(project)];
  } finally {
    project.remove();
  }
}

export const mcp: readonly Benchmark[] = [
  { name: 'mcp', summary: 'the MCP server: its first answer, and an update of a task', run: measure },
];
