/** Where everything of a project lives on disk, its workspace id and its store; only computes paths and reads `.mcp.json`. */
import { homedir } from 'node:os';
import { basename, isAbsolute, join, normalize, resolve } from 'node:path';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { readUsersFile } from '../files/present.ts';

/** Every path of a project, absolute. */
export type ProjectPaths = {
  /** Top level of the main checkout. */
  readonly root: string;
  readonly orchestratorDir: string;
  readonly config: string;
  /** The published schema of config.json, beside it for editors. */
  readonly configSchema: string;
  /** What `init` wrote, by hash. */
  readonly manifest: string;
  readonly workerPrompt: string;
  readonly guide: string;
  readonly stateDb: string;
  readonly lockDb: string;
  /** Held by whoever lands. */
  readonly landingLock: string;
  /** What the poller saw last of tmux and git. */
  readonly published: string;
  readonly logsDir: string;
  /** Up to which event a conversation of Claude Code was told. */
  readonly toldEvents: string;
  readonly pidsDir: string;
  /** One directory a run below it: prompt, settings and environment files, 0700. */
  readonly runsDir: string;
  /** Reports of hooks and workers wait here until the poller reads them. */
  readonly spoolDir: string;
  readonly launchers: {
    readonly orchestrate: string;
    readonly checkStreams: string;
    readonly watchStatus: string;
  };
  /** `watch-status` at the root. */
  readonly symlink: string;
  readonly mcpConfig: string;
  /** The slash command and the planner agent for Claude Code. */
  readonly slashCommand: string;
  readonly plannerAgent: string;
};

/** All paths of the project whose main checkout is at `root` (absolute). */
export function projectPaths(root: string): ProjectPaths {
  const orchestratorDir = join(root, '.claude', 'orchestrator');
  const inside = (name: string) => join(orchestratorDir, name);
  return {
    root,
    orchestratorDir,
    config: inside('config.json'),
    configSchema: inside('config.schema.json'),
    manifest: inside('.init.json'),
    workerPrompt: inside('worker-prompt.md'),
    guide: inside('ORCHESTRATION_GUIDE.md'),
    stateDb: inside('state.db'),
    lockDb: inside('lock.db'),
    landingLock: inside('lock.db.landing'),
    published: inside('lock.db.look'),
    logsDir: inside('logs'),
    // No stream's log can have this name, since keys have no dot.
    toldEvents: join(inside('logs'), 'events.told.json'),
    pidsDir: inside('pids'),
    runsDir: inside('runs'),
    spoolDir: inside('spool'),
    launchers: {
      orchestrate: inside('orchestrate'),
      checkStreams: inside('check-streams'),
      watchStatus: inside('watch-status'),
    },
    symlink: join(root, 'watch-status'),
    mcpConfig: join(root, '.mcp.json'),
    slashCommand: join(root, '.claude', 'commands', 'orchestrate.md'),
    plannerAgent: join(root, '.claude', 'agents', 'ta.md'),
  };
}

/** The private directory of one run of a stream. */
export function runDir(paths: ProjectPaths, key: string, run: number): string {
  return join(paths.runsDir, `${key}-${run}`);
}

/** Where the notes of finished set-ups are, and what git noted of set-ups. */
export function setUpDir(paths: ProjectPaths): string {
  return join(paths.runsDir, 'setup');
}

/** The note that a stream's worktree was set up, and what ignored files that made (`Tidy.noteMade`). */
export function setUpNote(paths: ProjectPaths, key: string): string {
  return join(setUpDir(paths), `${key}.done`);
}

/** Which workspace a project belongs to, who said so, and where its store is. */
export type Workspace = {
  readonly id: string;
  readonly source: 'WORKSPACE_ID' | '.mcp.json' | 'config.json' | 'directory name';
  /** Base directory of all workspaces' stores (what `TASK_DB_PATH` means to Task Copilot). */
  readonly base: string;
  readonly baseSource: 'TASK_DB_PATH' | '.mcp.json' | 'default';
  readonly storePath: string;
};

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Finds the workspace of a project: WORKSPACE_ID, the task-copilot entry of `.mcp.json`, `configured` (config.json, read
 * only when neither of those names one: a worker must not stop at a file that is just being edited), the directory's name;
 * and likewise its store's base directory. Throws exit 7 for an id that isn't one plain name.
 */
export function resolveWorkspace(project: {
  readonly root: string;
  readonly env: Environment;
  readonly configured: () => string | null;
}): Workspace {
  const { root, env } = project;
  const entry = readMcpEntry(join(root, '.mcp.json'), env);
  const candidates = [
    { source: 'WORKSPACE_ID', value: () => env['WORKSPACE_ID'] },
    { source: '.mcp.json', value: () => entry['WORKSPACE_ID'] },
    { source: 'config.json', value: project.configured },
    { source: 'directory name', value: () => basename(root) },
  ] as const;
  const found = candidates.find(({ value }) => Boolean(value()?.trim()));
  const { source, value } = found ?? candidates[3];
  const id = checkWorkspaceId(value()?.trim() ?? '', source);
  const base = storeBase(root, env, entry);
  return { id, source, base: base.path, baseSource: base.source, storePath: join(base.path, id, 'tasks.db') };
}

/** Where Memory Copilot keeps the initiatives of a workspace, whether or not there is such a file. */
export function memoryCopilotPath(env: Environment, workspaceId: string): string {
  return join(env['HOME'] || homedir(), '.claude', 'memory', workspaceId, 'memory.db');
}

function defaultStoreBase(env: Environment): string {
  return join(env['HOME'] || homedir(), '.claude', 'tasks');
}

function storeBase(
  root: string,
  env: Environment,
  entry: Environment,
): { path: string; source: Workspace['baseSource'] } {
  const fromEnv = env['TASK_DB_PATH']?.trim();
  if (fromEnv) return { path: checkStoreBase(root, env, fromEnv, 'TASK_DB_PATH'), source: 'TASK_DB_PATH' };
  const fromEntry = entry['TASK_DB_PATH']?.trim();
  if (fromEntry) return { path: checkStoreBase(root, env, fromEntry, '.mcp.json'), source: '.mcp.json' };
  return { path: defaultStoreBase(env), source: 'default' };
}

/** A base directory as an absolute path: `~/` is the home directory, a relative one is below the project. */
function checkStoreBase(root: string, env: Environment, value: string, source: string): string {
  if (value.includes('\0')) throw badStoreBase(value, source);
  const home = env['HOME'] || homedir();
  if (value === '~' || value.startsWith('~/')) return join(home, value.slice(1));
  if (isAbsolute(value)) return normalize(value);
  if (normalize(value).split('/')[0] === '..') throw badStoreBase(value, source);
  return resolve(root, value);
}

function badStoreBase(value: string, source: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.input,
    `the store's base directory ${JSON.stringify(value)} (TASK_DB_PATH from ${source}) is not a usable path`,
    'give TASK_DB_PATH as an absolute path, or unset it for ~/.claude/tasks',
  );
}

function checkWorkspaceId(id: string, source: Workspace['source']): string {
  const plain = id !== '' && id !== '.' && id !== '..' && !/[/\\\0]/.test(id) && Buffer.byteLength(id) <= 255;
  if (plain) return id;
  throw new OrchestrateError(
    EXIT.input,
    `the workspace id ${JSON.stringify(id)} (from ${source}) is not a plain name`,
    `${renameWorkspace(source)} to a name without slashes`,
  );
}

/** How to give the project another workspace: it is set where the present one comes from, since that takes precedence. */
export function renameWorkspace(source: Workspace['source']): string {
  if (source === 'WORKSPACE_ID') return 'set the variable WORKSPACE_ID';
  return source === '.mcp.json'
    ? 'set WORKSPACE_ID of the server "task-copilot" in .mcp.json'
    : 'set "workspace" in .claude/orchestrator/config.json';
}

/** The environment that `.mcp.json` gives the server "task-copilot"; empty when there is no such file or entry. */
function readMcpEntry(path: string, env: Environment): Environment {
  const text = readUsersFile(path);
  if (text === null) return {};
  const server = property(property(parseMcpConfig(text, path), 'mcpServers'), 'task-copilot');
  const entry = property(server, 'env');
  if (typeof entry !== 'object' || entry === null) return {};
  const strings = Object.entries(entry).filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string',
  );
  return Object.fromEntries(strings.map(([name, value]) => [name, expand(value, env)]));
}

/** What the text of `.mcp.json` says. Throws exit 7 when it is no JSON. */
export function parseMcpConfig(text: string, path: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new OrchestrateError(
      EXIT.input,
      `${path} is not valid JSON: ${messageOf(error)}`,
      'correct or remove .mcp.json',
      { cause: error },
    );
  }
}

/** `${NAME}` and `${NAME:-default}` as Claude Code expands them in `.mcp.json`; an unset one stays empty. */
function expand(value: string, env: Environment): string {
  return value.replace(
    /\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g,
    (_, name: string, other?: string) => env[name] || other || '',
  );
}

function property(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}
