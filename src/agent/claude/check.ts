/** Checks that Claude Code can work here unattended: found, set up, trusting the project, in a mode that makes sense. Changes nothing. */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { fieldsOf, parseObject } from '../../core/json-fields.ts';
import { shellWord } from '../../core/shell-word.ts';
import { readIfPresent } from '../../files/present.ts';
import { NotStarted, run } from '../../process/run.ts';
import { findCommand, missingCommand } from '../find-command.ts';
import type { AgentCheck, AgentSettings } from '../port.ts';
import { MCP_NAME } from '../run-files.ts';
import type { ClaudePaths } from './claude-paths.ts';
import { LOGIN } from './dialogs.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What the checks look at. */
export type ClaudeSurroundings = {
  readonly agent: AgentSettings;
  readonly projectRoot: string;
  readonly env: Environment;
  readonly paths: ClaudePaths;
  readonly isRoot: boolean;
};

/** What is to be installed for a `claude` that is not there. */
const CLAUDE_CODE = 'Claude Code (https://claude.com/claude-code)';

const VERSION_TIMEOUT_MS = 15_000;
/** Has the session registry, `--permission-mode auto` and `--settings` hooks. */
const OLDEST_VERSION = [2, 1] as const;

/** All checks, the most basic first; a missing command leaves the others out. */
export async function checkClaude(where: ClaudeSurroundings): Promise<AgentCheck[]> {
  const { agent, env, projectRoot } = where;
  const file = findCommand(agent.command, env['PATH'] ?? '', projectRoot);
  if (file === null) return [missingCommand(agent.command, agent.command === 'claude' ? CLAUDE_CODE : 'it')];
  const account = readAccount(where.paths.account);
  return [
    await checkVersion(file, env),
    checkPermissions(where),
    ...checkHooks(where),
    checkWall(agent),
    ...checkAccount(where, account),
    ...checkMcpServer(where, account),
    ...checkRemoteControl(where, account),
  ];
}

async function checkVersion(file: string, env: Environment): Promise<AgentCheck> {
  const said = await askVersion(file, env);
  const version = said instanceof Error ? null : /(\d+)\.(\d+)\.\d+/.exec(said);
  if (version === null) {
    const why = said instanceof Error ? messageOf(said) : `it says ${JSON.stringify(said.slice(0, 80))}`;
    return fail(`${file} --version failed: ${why}`, 'install Claude Code again, or correct "agent.command"');
  }
  const [major, minor] = [Number(version[1]), Number(version[2])];
  const [oldestMajor, oldestMinor] = OLDEST_VERSION;
  const old = major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
  if (old)
    return fail(`Claude Code ${version[0]} is older than ${oldestMajor}.${oldestMinor}`, 'claude update');
  return ok('agent', `Claude Code ${version[0]}`);
}

/** Settings may switch every hook off: then nothing is reported, and neither the fence nor the stop gate stands. */
function checkHooks(where: ClaudeSurroundings): AgentCheck[] {
  const off = settingsFiles(where).find(
    (file) => parseObject(readIfPresent(file) ?? '')?.['disableAllHooks'] === true,
  );
  if (off === undefined) return [];
  const message = `${off} switches all hooks off: no stop gate, no fence, and no word of what agents do`;
  const level = where.agent.wall === 'none' ? 'warn' : 'fail';
  return [{ name: 'hooks', level, message, fix: `take "disableAllHooks" out of ${shellWord(off)}` }];
}

/** Settings of the user, and of the project. */
function settingsFiles({ projectRoot, paths }: ClaudeSurroundings): string[] {
  const own = ['settings.json', 'settings.local.json'].map((name) => join(projectRoot, '.claude', name));
  return [paths.settings, ...own];
}

function checkWall({ wall }: AgentSettings): AgentCheck {
  if (wall !== 'none') return ok('wall', 'fence: edits and git commands stay in the worktree');
  const message = 'no wall: an agent that strays may edit your checkout and other worktrees';
  return { name: 'wall', level: 'warn', message, fix: 'set "agent.wall" to "fence" in config.json' };
}

/** What the program prints when asked for its version, or why it does not say. */
async function askVersion(file: string, env: Environment): Promise<string | Error> {
  try {
    const timeLimitMs = VERSION_TIMEOUT_MS;
    const { exitCode, signal, limit, stdout } = await run({
      file,
      args: ['--version'],
      cwd: '/',
      env,
      timeLimitMs,
    });
    if (limit !== null) return new Error(`it did not answer within ${timeLimitMs / 1000} s`);
    return exitCode === 0 ? stdout.toString('utf8') : new Error(signal ?? `exit code ${exitCode}`);
  } catch (thrown) {
    if (thrown instanceof NotStarted) return thrown;
    throw thrown;
  }
}

function checkPermissions({ agent, env, isRoot }: ClaudeSurroundings): AgentCheck {
  const name = 'permissions';
  if (agent.permissions === 'bypass') {
    if (isRoot && !isOn(env['IS_SANDBOX'])) {
      const fix =
        'run as another user, or set IS_SANDBOX=1 inside a container, or set "agent.permissions" to "auto"';
      return {
        name,
        level: 'fail',
        message: 'permissions cannot be bypassed as root outside a sandbox',
        fix,
      };
    }
    return {
      name,
      level: 'warn',
      message: 'permissions are bypassed: agents run any command without asking',
      fix: null,
    };
  }
  const asks = agent.permissions === 'manual' || agent.permissions === 'plan';
  if (asks && !agent.attended) {
    const message = `permission mode ${agent.permissions} stops to ask, and "agent.attended" is false`;
    return {
      name,
      level: 'warn',
      message,
      fix: 'set "agent.permissions" to "auto", "acceptEdits" or "dontAsk"',
    };
  }
  if (agent.permissions === 'auto' && env['ANTHROPIC_BASE_URL'] !== undefined) {
    const message =
      'permission mode auto may not work through ANTHROPIC_BASE_URL (its safety check runs on the server)';
    return {
      name,
      level: 'warn',
      message,
      fix: 'set "agent.permissions" to "acceptEdits" or "dontAsk" if agents wait',
    };
  }
  return ok(name, `permission mode ${agent.permissions}`);
}

/** `.claude.json`: its record, null when missing, else why it cannot be read. */
type Account = Readonly<Record<string, unknown>> | null | Error;

function readAccount(file: string): Account {
  try {
    const text = readIfPresent(file);
    return text === null ? null : (parseObject(text) ?? new Error('it is no JSON object'));
  } catch (thrown) {
    return new Error(messageOf(thrown));
  }
}

function checkAccount(where: ClaudeSurroundings, account: Account): AgentCheck[] {
  const { agent, env, paths } = where;
  if (account instanceof Error) {
    const message = `${paths.account} cannot be read as JSON: ${account.message}`;
    return [fail(message, 'correct it, or move it away')];
  }
  // Without a terminal Claude Code asks none of this, but reads the project's settings only when it is trusted.
  const level = agent.mode === 'interactive' ? 'fail' : 'warn';
  const fix = `cd ${shellWord(where.projectRoot)} && claude`;
  const checks: AgentCheck[] = [];
  if (account?.['hasCompletedOnboarding'] !== true && level === 'fail') {
    checks.push({
      name: 'agent set-up',
      level,
      message: 'Claude Code has not been set up for this user: answer its questions once, then /exit',
      fix,
    });
  }
  checks.push(
    isTrusted(where, account)
      ? ok('trust', 'Claude Code trusts this project')
      : {
          name: 'trust',
          level,
          message: 'Claude Code has not been told to trust this project: answer it once, then /exit',
          fix,
        },
  );
  return [...checks, checkLogin(account, env, paths)];
}

/** Whether Claude Code was told not to use the project's server: agents of ours get it all the same, the user's own sessions don't. */
function checkMcpServer(where: ClaudeSurroundings, account: Account): AgentCheck[] {
  const listed = parseObject(readIfPresent(join(where.projectRoot, '.mcp.json')) ?? '')?.['mcpServers'];
  if (fieldsOf(listed)[MCP_NAME] === undefined) return [];
  const choices = [
    ...settingsFiles(where).map((file) => parseObject(readIfPresent(file) ?? '') ?? {}),
    ...(account instanceof Error ? [] : projectEntries(where, account)),
  ];
  const names = (key: string): boolean =>
    choices.some((each) => {
      const servers = each[key];
      return Array.isArray(servers) && servers.includes(MCP_NAME);
    });
  if (names('disabledMcpjsonServers')) {
    const message = `Claude Code was told not to use the MCP server ${MCP_NAME} of this project: your own sessions lack its tools, until you choose to use it`;
    const fix = 'claude mcp reset-project-choices && claude';
    return [{ name: 'mcp server', level: 'warn', message, fix }];
  }
  const approved =
    names('enabledMcpjsonServers') || choices.some((each) => each['enableAllProjectMcpServers'] === true);
  const text = approved ? `${MCP_NAME} is approved` : `Claude Code will ask once: choose to use ${MCP_NAME}`;
  return [ok('mcp server', text)];
}

/** What `.claude.json` holds of this project. */
function projectEntries(
  { projectRoot }: ClaudeSurroundings,
  account: Readonly<Record<string, unknown>> | null,
): readonly Readonly<Record<string, unknown>>[] {
  const projects = fieldsOf(account?.['projects']);
  const roots = existsSync(projectRoot) ? [projectRoot, realpathSync(projectRoot)] : [projectRoot];
  return roots.map((root) => fieldsOf(projects[root]));
}

/** Trust is recorded under the main repository's root and holds for its worktrees. */
function isTrusted(where: ClaudeSurroundings, account: Readonly<Record<string, unknown>> | null): boolean {
  if (isOn(where.env['CLAUDE_CODE_SANDBOXED'])) return true;
  return projectEntries(where, account).some((entry) => entry['hasTrustDialogAccepted'] === true);
}

const KEYS = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'] as const;
const CLOUDS = ['CLAUDE_CODE_USE_BEDROCK', 'CLAUDE_CODE_USE_VERTEX', 'CLAUDE_CODE_USE_FOUNDRY'] as const;
/** Claude Code remembers this much of the end of a key that the user agreed to use. */
const KEY_TAIL = 20;

function checkLogin(
  account: Readonly<Record<string, unknown>> | null,
  env: Environment,
  paths: ClaudePaths,
): AgentCheck {
  const name = 'login';
  const key = env['ANTHROPIC_API_KEY'];
  const approved = fieldsOf(account?.['customApiKeyResponses'])['approved'];
  if (key && !(Array.isArray(approved) && approved.includes(key.slice(-KEY_TAIL)))) {
    const message = 'Claude Code will ask whether to use ANTHROPIC_API_KEY: choose once';
    return { name, level: 'warn', message, fix: 'claude' };
  }
  const byEnvironment = [...KEYS, ...CLOUDS].find((variable) => Boolean(env[variable]));
  if (byEnvironment !== undefined) return ok(name, `by ${byEnvironment}`);
  if (account?.['oauthAccount'] !== undefined || existsSync(paths.credentials)) return ok(name, 'logged in');
  return {
    name,
    level: 'warn',
    message: 'Claude Code seems not to be logged in',
    fix: LOGIN,
  };
}

/** Without a claude.ai login Claude Code starts all the same, and nobody can reach it from elsewhere. */
function checkRemoteControl({ agent, env, paths }: ClaudeSurroundings, account: Account): AgentCheck[] {
  if (!agent.remoteControl) return [];
  const name = 'remote control';
  if (agent.mode === 'print') {
    const message = 'agent.remoteControl does nothing where "agent.mode" is "print"';
    return [{ name, level: 'warn', message, fix: 'set "agent.mode" to "interactive", or leave it out' }];
  }
  const otherwise = [...KEYS, ...CLOUDS].find((variable) => Boolean(env[variable]));
  const login = account instanceof Error ? undefined : account?.['oauthAccount'];
  if (otherwise === undefined && (login !== undefined || existsSync(paths.credentials)))
    return [ok(name, 'on: agents can be reached from claude.ai')];
  const by = otherwise === undefined ? '' : `, and ${otherwise} is used instead`;
  const message = `agent.remoteControl needs a login at claude.ai${by}: agents cannot be reached from there`;
  return [{ name, level: 'warn', message, fix: LOGIN }];
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && /^(1|true|yes|on)$/i.test(value.trim());
}

function ok(name: string, message: string): AgentCheck {
  return { name, level: 'ok', message, fix: null };
}

function fail(message: string, fix: string): AgentCheck {
  return { name: 'agent', level: 'fail', message, fix };
}
