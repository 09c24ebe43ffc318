/** A throw-away project whose MCP server runs as a process of its own, and the two ways to talk to it: a client, or raw bytes. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { Db } from '../../src/sqlite/database.ts';
import { openCopilotDatabase } from '../../src/task-copilot/store-schema.ts';
import { removeTree } from './remove-tree.ts';
import { inTime } from './wait.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUNDLE = join(ROOT, 'dist', 'cli.js');
const SOURCE = join(ROOT, 'src', 'cli.ts');

export type McpProject = {
  /** Stands for the user's home directory. */
  readonly home: string;
  readonly root: string;
  readonly planDbPath: string;
  readonly stateDbPath: string;
  readonly memoryDbPath: string;
  readonly env: Record<string, string>;
  /** Opens the store beside the server, to look at it or to prepare it; closed by `remove`. */
  store(): Db;
  remove(): void;
};

/** A git repository `my-app` in a temporary home. */
export function mcpProject(): McpProject {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'orchestrate-mcp-')));
  const root = join(home, 'my-app');
  mkdirSync(root);
  execFileSync('git', ['init', '--quiet', root]);
  const planDbPath = join(home, 'tasks', 'my-app', 'tasks.db');
  let store: Db | null = null;
  return {
    home,
    root,
    planDbPath,
    stateDbPath: join(root, '.claude', 'orchestrator', 'state.db'),
    memoryDbPath: join(home, '.claude', 'memory', 'my-app', 'memory.db'),
    env: { PATH: process.env['PATH'] ?? '', HOME: home, TASK_DB_PATH: join(home, 'tasks') },
    store: () => {
      store ??= openCopilotDatabase(planDbPath, { create: true });
      return store;
    },
    remove: () => {
      store?.close();
      removeTree(home);
    },
  };
}

let server: string[] | null = null;

/** Arguments for node that run the server: the bundle when it is newer than every source, else the sources; looked up once. */
export function serverArgs(): string[] {
  server ??= isBuilt() ? [BUNDLE, 'mcp'] : ['--import', import.meta.resolve('tsx'), SOURCE, 'mcp'];
  return server;
}

function isBuilt(): boolean {
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  const newest = Math.max(...sources.map((name) => statSync(join(ROOT, 'src', name)).mtimeMs));
  return existsSync(BUNDLE) && statSync(BUNDLE).mtimeMs >= newest;
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads answers of any shape, and fails where one isn't as expected
export type Json = any;

/** A tool's answer. */
export type Answer = { readonly text: string; readonly isError: boolean };

export type McpClient = {
  readonly client: Client;
  readonly pid: number;
  /** The answer as it came. */
  call(name: string, args?: Record<string, unknown>): Promise<Answer>;
  /** The answer's JSON; fails the test when the tool failed. */
  json(name: string, args?: Record<string, unknown>): Promise<Json>;
  close(): Promise<void>;
};

/** Starts a server in the project and connects the SDK's own client to it. */
export async function connect(project: McpProject, env: Record<string, string> = {}): Promise<McpClient> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: serverArgs(),
    cwd: project.root,
    env: { ...project.env, ...env },
    stderr: 'inherit',
  });
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(transport);
  const call = async (name: string, args: Record<string, unknown> = {}): Promise<Answer> => {
    const result = await client.callTool({ name, arguments: args });
    const content = result.content as { type: string; text: string }[];
    if (content.length !== 1 || content[0]?.type !== 'text') throw new Error('not one text');
    return { text: content[0].text, isError: result.isError === true };
  };
  return {
    client,
    pid: transport.pid ?? -1,
    call,
    json: async (name, args) => {
      const answer = await call(name, args);
      if (answer.isError) throw new Error(`${name}: ${answer.text}`);
      return JSON.parse(answer.text);
    },
    close: () => client.close(),
  };
}

export type RawServer = {
  readonly process: ChildProcess;
  write(bytes: string | Buffer): Promise<void>;
  /** Everything the server has printed so far, a parsed JSON-RPC message a line; throws for a line that is none. */
  messages(): Json[];
  /** Waits for the message at a position. */
  nth(position: number): Promise<Json>;
  /** Waits for the first message that fits. */
  message(fits: (message: Json) => boolean): Promise<Json>;
  stderr(): string;
  /** Its exit code, once all that it printed is here. */
  exit: Promise<number | null>;
};

/** Starts a server and speaks to it in bytes. */
export function rawServer(project: McpProject, env: Record<string, string> = {}): RawServer {
  const child = spawn(process.execPath, serverArgs(), {
    cwd: project.root,
    env: { ...project.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    child.emit('printed');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.stdin.on('error', (error) => {
    errors += `stdin: ${error.message}\n`;
  });
  const messages = () =>
    out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  const until = (find: () => Json): Promise<Json> => {
    const found = new Promise<Json>((resolve) => {
      const look = () => {
        const message = find();
        if (message === undefined) return;
        child.off('printed', look);
        resolve(message);
      };
      child.on('printed', look);
      look();
    });
    return inTime(found, () => `no such message; printed: ${out.slice(-2000)}; stderr: ${errors}`);
  };
  return {
    process: child,
    write: (bytes) =>
      new Promise((resolve, reject) =>
        child.stdin.write(bytes, (error) => (error ? reject(error) : resolve())),
      ),
    messages,
    nth: (position) => until(() => messages()[position]),
    message: (fits) => until(() => messages().find(fits)),
    stderr: () => errors,
    // Its pipes are read to their end by then.
    exit: new Promise((resolve) => child.once('close', resolve)),
  };
}

/** A request as one line. */
export function request(id: number | string, method: string, params: unknown = {}): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`;
}

/** The request that opens a session. */
export function initialize(id: number | string = 'init'): string {
  const clientInfo = { name: 'raw', version: '1.0.0' };
  return request(id, 'initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
}
