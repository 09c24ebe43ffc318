/** Puts the server "task-copilot" into the project's `.mcp.json`, beside what is there; an entry of somebody else's is kept. */
import { realpathSync, rmSync } from 'node:fs';
import { type ProjectPaths, parseMcpConfig } from '../app/paths.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { isObject } from '../core/json-fields.ts';
import { readUsersFile, statIfPresent } from '../files/present.ts';
import { type Change, type InitContext, type InitStep, kept, unchanged } from './change.ts';
import { removeMember, setMember } from './json-edit.ts';
import { writePrivately } from './write.ts';

const WHAT = '.mcp.json';
const SERVERS = 'mcpServers';
const NAME = 'task-copilot';
/** The launcher, which finds the program also when Node or orchestrate has moved. */
const commandOf = ({ launchers }: ProjectPaths) => ({ command: launchers.orchestrate, args: ['mcp'] });

type Entry = Readonly<Record<string, unknown>>;

export const MCP_CONFIG_STEP: InitStep = {
  plan: (context) => [planEntry(context)],
  undo: (context) => [undoEntry(context)].filter((change) => change !== null),
};

/** Two servers of the same tools, under two names, would confuse whoever calls them. */
const BY_PLUGIN = `the orchestrate plugin brings the server "${NAME}"`;

function planEntry(context: InitContext): Change {
  const text = readUsersFile(context.paths.mcpConfig);
  const found = text === null ? undefined : entryIn(text, context.paths.mcpConfig);
  if (!context.plugin.server) return planOwn(context, text, found);
  if (text === null || found === undefined) return kept(WHAT, `left out: ${BY_PLUGIN}`);
  // What else is in our entry (WORKSPACE_ID in its env) is somebody's, and in force.
  if (!isOurs(found) || !isBare(found)) return planOwn(context, text, found);
  const { what, apply, verb } = undoEntry(context) ?? unchanged(WHAT);
  return { verb, what, apply, note: `server "${NAME}" removed: ${BY_PLUGIN}` };
}

function planOwn(context: InitContext, text: string | null, entry: Entry | undefined): Change {
  if (text === null) {
    const whole = `${JSON.stringify({ [SERVERS]: { [NAME]: commandOf(context.paths) } }, null, 2)}\n`;
    const note = 'it holds paths of this machine: not meant to be committed';
    return { verb: 'create', what: WHAT, note, apply: () => write(context, whole, true) };
  }
  if (entry !== undefined && !isOurs(entry)) {
    return kept(
      WHAT,
      `its server "${NAME}" is used, with its WORKSPACE_ID and TASK_DB_PATH where it has them`,
    );
  }
  if (entry !== undefined && isUpToDate(entry, context.paths)) return unchanged(WHAT);
  const changed = setMember(text, SERVERS, NAME, { ...entry, ...commandOf(context.paths) });
  const note = entry === undefined ? `server "${NAME}" added` : `server "${NAME}" calls this installation`;
  const apply = () => write(context, changed, context.manifest.isOurs(WHAT, text));
  return { verb: 'update', what: WHAT, note, apply };
}

function undoEntry(context: InitContext): Change | null {
  const path = context.paths.mcpConfig;
  const text = readUsersFile(path);
  if (text === null) return null;
  if (context.manifest.isOurs(WHAT, text)) {
    return { verb: 'remove', what: WHAT, note: null, apply: () => removeFile(context) };
  }
  let entry: Entry | undefined;
  try {
    entry = entryIn(text, path);
  } catch (error) {
    if (!(error instanceof OrchestrateError)) throw error;
    return kept(WHAT, 'it is not valid');
  }
  if (entry === undefined) return null;
  if (!isOurs(entry)) return kept(WHAT, `its server "${NAME}" is not ours`);
  const apply = () => write(context, removeMember(text, SERVERS, NAME), false);
  return { verb: 'update', what: WHAT, note: `server "${NAME}" removed`, apply };
}

/** The server's entry, undefined when there is none. Throws exit 7 for a file that is no MCP configuration. */
function entryIn(text: string, path: string): Entry | undefined {
  const top = objectOf(parseMcpConfig(text, path), path, 'its top');
  if (!Object.hasOwn(top, SERVERS)) return undefined;
  const servers = objectOf(top[SERVERS], path, `"${SERVERS}"`);
  if (!Object.hasOwn(servers, NAME)) return undefined;
  return objectOf(servers[NAME], path, `"${SERVERS}"."${NAME}"`);
}

function objectOf(value: unknown, path: string, what: string): Entry {
  if (isObject(value)) return value;
  throw new OrchestrateError(
    EXIT.input,
    `${path} is no MCP configuration: ${what} is not an object`,
    'correct or remove .mcp.json',
  );
}

/** True for an entry as init writes it, or once wrote it, whichever installation it names, and whatever `env` was added. */
function isOurs({ command, args, type = 'stdio' }: Entry): boolean {
  if (type !== 'stdio' || !Array.isArray(args) || args.at(-1) !== 'mcp') return false;
  if (args.length === 1) return String(command).endsWith('/.claude/orchestrator/orchestrate');
  return args.length === 2 && String(args[0]).endsWith('/dist/cli.js');
}

/** True for one with nothing in it but what init writes. */
function isBare(entry: Entry): boolean {
  return Object.keys(entry).every((name) => ['type', 'command', 'args'].includes(name));
}

function isUpToDate({ command, args }: Entry, paths: ProjectPaths): boolean {
  return JSON.stringify({ command, args }) === JSON.stringify(commandOf(paths));
}

/** The programs, by absolute path, that our entry in the file at `path` names; none where it has none. */
export function programsOfServer(path: string): string[] {
  const text = readUsersFile(path);
  const entry = text === null ? undefined : entryIn(text, path);
  if (entry === undefined || !isOurs(entry)) return [];
  const { command, args } = entry;
  return [command, ...(Array.isArray(args) ? args : [])].map(String).filter((word) => word.startsWith('/'));
}

/** Writes through a symlink and keeps the file's mode; `whole` means that nothing in it is anybody else's. */
function write({ paths, manifest }: InitContext, text: string, whole: boolean): void {
  const stat = statIfPresent(paths.mcpConfig);
  const target = stat === null ? paths.mcpConfig : realpathSync(paths.mcpConfig);
  if (whole) manifest.claim(WHAT, text);
  writePrivately(target, text, stat === null ? 0o644 : stat.mode & 0o777);
  if (whole) manifest.record(WHAT, text);
  else manifest.forget(WHAT);
}

function removeFile({ paths, manifest }: InitContext): void {
  rmSync(paths.mcpConfig);
  manifest.forget(WHAT);
}
