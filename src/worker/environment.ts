/** The environment of everything that runs for a stream: the starter's, without what belongs to the starter's own surroundings, and what tells it whom it serves. */
import type { ProjectPaths, Workspace } from '../app/paths.ts';
import { inheritedEnvironment } from '../core/inherited-environment.ts';
import type { StreamRecord } from '../core/types.ts';
import { isLaunchVariable } from './launch-file.ts';

/**
 * Families of variables that would tie a worker to the caller's tmux or run. Where the caller's tmux servers are is no such
 * tie: a poller and a summary in windows of ours, and commands of workers, must mean the same server.
 */
const FOREIGN = /^(TMUX(?!_TMPDIR$)|ORCHESTRATE_)/;

/**
 * Claude Code's marks on its own children. `CLAUDE_CODE_CHILD_SESSION` turns the saving of conversations off, so that
 * none could be resumed; the others name a session that isn't the worker's.
 */
const CLAUDE_CHILD = new Set([
  'CLAUDECODE',
  'CLAUDE_CODE_CHILD_SESSION',
  'CLAUDE_CODE_SESSION_ID',
  'CLAUDE_CODE_SESSION_ATTENDED',
  'CLAUDE_CODE_ENTRYPOINT',
  'CLAUDE_CODE_MESSAGING_SOCKET',
  'CLAUDE_CODE_MESSAGING_TOKEN',
  'CLAUDE_CODE_CHILD_NOTES_DIR',
  'CLAUDE_CODE_EXECPATH',
  'CLAUDE_PID',
  'CLAUDE_EFFORT',
  'AI_AGENT',
]);

/**
 * What of `base` (the starter's environment) a worker gets, with `extra` on top. Names that a launch file cannot carry
 * (shell functions exported by bash, `PWD`, `TERM` …) are left out.
 */
export function workerEnvironment(
  base: NodeJS.ProcessEnv,
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(inheritedEnvironment(base))) {
    const ties = FOREIGN.test(name) || CLAUDE_CHILD.has(name);
    if (!ties && isLaunchVariable(name)) env[name] = value;
  }
  // Claude Code's own answers for its own commits; without its mark it is the user's.
  if (base['CLAUDECODE'] !== undefined) delete env['GIT_EDITOR'];
  return { ...env, ...extra };
}

/** What a stream's environment is made of besides the stream itself. */
type Surroundings = {
  readonly paths: Pick<ProjectPaths, 'root'>;
  readonly workspace: Pick<Workspace, 'id' | 'base'>;
  /** The starter's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  launcherDir(): string;
};

/** Variables that tell a worker, a setup command or a gate which stream it serves. */
export function streamVariables(
  around: Surroundings,
  record: Pick<StreamRecord, 'streamId' | 'key' | 'port'>,
  run: number,
  baseSha: string,
): Record<string, string> {
  return {
    ORCHESTRATE_PROJECT: around.paths.root,
    ORCHESTRATE_STREAM: record.streamId,
    ORCHESTRATE_KEY: record.key,
    ORCHESTRATE_RUN: String(run),
    ORCHESTRATE_BASE_SHA: baseSha,
    PORT: String(record.port),
    WORKSPACE_ID: around.workspace.id,
    TASK_DB_PATH: around.workspace.base,
    PATH: searchPath(around),
  };
}

/** The launcher's directory first, so that a worker can type `orchestrate task …`. */
function searchPath(around: Surroundings): string {
  const theirs = around.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  const ours = around.launcherDir();
  // A colon would cut it into two directories, the second of them below the worktree.
  return ours.includes(':') ? theirs : `${ours}:${theirs}`;
}

/** The complete environment of a setup command or gate: the starter's, cleaned, with the stream's variables. */
export function commandEnvironment(
  around: Surroundings,
  record: Pick<StreamRecord, 'streamId' | 'key' | 'port'>,
  run: number,
  baseSha: string,
): Record<string, string> {
  return workerEnvironment(around.env, streamVariables(around, record, run, baseSha));
}
