/** Checks of what `doctor` finds around the project: Node, the SQLite driver, git, tmux, the repository, and the agent. */

import { join } from 'node:path';
import { findCommand } from '../agent/find-command.ts';
import { type Project, type Surroundings, toolVersions } from '../app/project.ts';
import { messageOf, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { propose } from '../init/proposals.ts';
import { driverName, sqliteDriver } from '../sqlite/load-driver.ts';

/** What one check found. */
export type CheckResult = {
  readonly name: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What to type; null when all is well. */
  readonly fix: string | null;
};

export function ok(name: string, message: string): CheckResult {
  return { name, level: 'ok', message, fix: null };
}

/** Runs a check; what it throws is a failed check with the error's own remedy. */
export async function attempt(name: string, look: () => Promise<CheckResult>): Promise<CheckResult> {
  try {
    return await look();
  } catch (error) {
    return failed(name, error);
  }
}

/** The failed check that an error means. */
export function failed(name: string, error: unknown): CheckResult {
  const fix = error instanceof OrchestrateError ? error.fix : 'orchestrate doctor --verbose';
  return { name, level: 'fail', message: messageOf(error), fix };
}

/** The Node that runs this; one that is too old doesn't get here. */
export function checkNode(): CheckResult {
  return ok('node', `Node ${process.versions.node} (${process.execPath})`);
}

/** Which SQLite this runs on. */
export function checkNative(): CheckResult {
  const name = 'native module';
  try {
    const database = new (sqliteDriver())(':memory:');
    const version = database.prepare('SELECT sqlite_version()').pluck().get();
    database.close();
    return ok(name, `${driverName()} with SQLite ${version}`);
  } catch (error) {
    return failed(name, error);
  }
}

/** git and tmux: there, and new enough. */
export async function checkTools(surroundings: Surroundings): Promise<CheckResult[]> {
  const versions = toolVersions(surroundings);
  return [
    await attempt('git', async () => ok('git', `git ${await versions.git()}`)),
    await attempt('tmux', async () => ok('tmux', `tmux ${await versions.tmux()}`)),
  ];
}

/** The checkout has a commit that streams can start from. */
export function checkRepository(project: Project): Promise<CheckResult> {
  return attempt('repository', async () => {
    const { createGit } = await import('../git/git.ts');
    const git = createGit({ root: project.root, commonDir: project.commonDir });
    const { branch, sha } = await git.baseTip(project.config().baseBranch);
    return ok('repository', `${project.root}: streams start from ${branch} (${sha.slice(0, 10)})`);
  });
}

/** The agent's own checks (installed, trusted, allowed to run so), then whether gates will check its work. */
export async function checkAgent(project: Project): Promise<CheckResult[]> {
  return [...(await ownChecks(project)), checkGates(project)];
}

async function ownChecks(project: Project): Promise<readonly CheckResult[]> {
  try {
    const { agentOf } = await import('../app/wiring.ts');
    return await agentOf(project, null).check();
  } catch (error) {
    return [failed('agent', error)];
  }
}

/** Words that a shell knows itself, before which no program stands. */
const SHELL_WORDS =
  /^(?:!|\.|:|\[|case|cd|command|do|done|echo|elif|else|env|eval|exec|exit|export|false|fi|for|if|printf|pwd|read|return|set|shift|source|test|then|time|trap|true|type|ulimit|umask|unset|until|wait|while|\{|\(.*)$/;

/** What a shell takes literally: a `|` or `;` in it begins no command. Comments are left out with it. */
const QUOTED = /\\.|'[^']*'|"(?:\\[\s\S]|[^"\\])*"|(?<!\S)#.*/g;

/** Programs that the gates begin their commands with and that are not there, as far as plain words tell. */
export function missingPrograms(
  gates: readonly { readonly command: string | null; readonly cwd: string }[],
  { root, env }: Pick<Project, 'root' | 'env'>,
): string[] {
  const missing = gates.flatMap(({ command, cwd }) =>
    (command ?? '')
      .replace(QUOTED, '""')
      .split(/&&|\|\||[;|\n]/)
      .flatMap((part) => {
        const word =
          part
            .trim()
            .split(/\s+/)
            .find((each) => !/^\w+=/.test(each)) ?? '';
        const plain = /^[\w./+@-]+$/.test(word) && !SHELL_WORDS.test(word);
        return plain && findCommand(word, env['PATH'] ?? '', join(root, cwd)) === null ? [word] : [];
      }),
  );
  return [...new Set(missing)];
}

const GATES_EXAMPLE = '[{"name": "test", "command": "…"}], with the command that tests the project';

/** The gates, and whether the programs that they name are there. */
export function checkGates(project: Pick<Project, 'config' | 'root' | 'env'>): CheckResult {
  const { agent, gates, worktree } = project.config();
  const missing = missingPrograms(gates, project);
  if (missing.length > 0) {
    // What set-up brings is not there before it.
    const level = worktree.setup.length > 0 ? 'warn' : 'fail';
    const programs = missing.map((word) => printable(word)).join(', ');
    const fix = `install ${programs}, or correct "gates" in .claude/orchestrator/config.json`;
    return { name: 'gates', level, message: `command not found: ${programs}`, fix };
  }
  if (gates.length > 0)
    return ok(
      'gates',
      gates.map(({ command }) => printable(command ?? 'review by a second agent')).join(', '),
    );
  // init proposes those that it finds.
  const found = propose(project.root, null, agent.cwd).gates.length > 0;
  return {
    name: 'gates',
    level: 'warn',
    message:
      'no gates: nothing but the agent itself checks its work ("gates" in .claude/orchestrator/config.json)',
    fix: found ? 'orchestrate init' : `set "gates" in .claude/orchestrator/config.json to ${GATES_EXAMPLE}`,
  };
}
