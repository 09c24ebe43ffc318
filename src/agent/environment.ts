/** The environment a worker starts with: the starter's, without what belongs to the starter's own surroundings. */
import { isLaunchVariable } from './launch-file.ts';

/** Families of variables that would tie a worker to the caller's repository, tmux, run or npm script. */
const FOREIGN = /^(GIT_|TMUX|ORCHESTRATE_|npm_)/;

/**
 * Claude Code's marks on its own children. `CLAUDE_CODE_CHILD_SESSION` turns the saving of conversations off, so that
 * none could be resumed; the others name a session that isn't the worker's. (GIT_EDITOR goes with GIT_.)
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
  'INIT_CWD',
]);

/**
 * What of `base` (the starter's environment) a worker gets, with `extra` on top. Names that a launch file can't carry
 * (shell functions exported by bash, `PWD`, `TERM` …) are left out.
 */
export function workerEnvironment(
  base: NodeJS.ProcessEnv,
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value === undefined || FOREIGN.test(name) || CLAUDE_CHILD.has(name) || !isLaunchVariable(name))
      continue;
    env[name] = value;
  }
  return { ...env, ...extra };
}
