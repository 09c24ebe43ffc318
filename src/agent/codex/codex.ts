/** OpenAI's Codex CLI as an agent: what is launched for a run, and what its session's rollout file says; knows nothing of windows, gates or plans. */
import { mkdirSync } from 'node:fs';
import { printable } from '../../core/printable.ts';
import { shellWord } from '../../core/shell-word.ts';
import type { AgentActivity, Run } from '../../core/types.ts';
import { UNKNOWN_ACTIVITY } from '../../core/worker-types.ts';
import { checkNoWall, checkUnasked, findCommand, missingCommand } from '../find-command.ts';
import {
  type Agent,
  type AgentCheck,
  type AgentDeps,
  type AgentSettings,
  type Launch,
  type LaunchRequest,
  TELLS_NOTHING,
} from '../port.ts';
import { MCP_NAME, programOf, promptArgument, writeRunFile } from '../run-files.ts';
import {
  type CodexPaths,
  codexPaths,
  createRollouts,
  isTrusted,
  type RolloutState,
  type RunRollout,
  readableOutput,
  readableRollout,
} from './rollouts.ts';

/** What the user types to log in. */
const LOGIN = 'codex login';

/** The codex agent: its full-screen program in its pane, or (mode `print`) `codex exec`. */
export function createCodexAgent(agent: AgentSettings, deps: AgentDeps): Agent {
  const paths = codexPaths(deps.env);
  const rollouts = createRollouts(paths.sessions);
  const interactive = agent.mode === 'interactive';
  const ofRun = (run: Run) => rollouts.of(run, deps.worktreeOf(run.key));
  return {
    ...TELLS_NOTHING,
    kind: 'codex',
    about: {
      agent: `Codex CLI, ${agent.mode}${agent.model === null ? '' : `, model ${printable(agent.model)}`}`,
      permissions: agent.permissions === 'bypass' ? 'BYPASS: no approvals, no sandbox' : agent.permissions,
      wall: null,
    },
    interactive,
    readsTyping: interactive,
    endSignal: 'SIGTERM',
    conversation: { transcript: readableRollout, output: readableOutput },
    login: LOGIN,
    resumeCommand: (conversation) => ['codex', 'resume', conversation],
    check: async () => checkCodex(agent, deps, paths),
    prepare: async (request) => prepareCodex(agent, deps, request),
    activity: async (run, _worker, screen) => {
      const rollout = ofRun(run);
      const startedAtMs = run.claimedAtMs ?? run.startedAtMs;
      if (!interactive)
        return { ...UNKNOWN_ACTIVITY, status: 'busy', sinceMs: startedAtMs, ...signOf(rollout) };
      const seen = rollout?.turn == null ? null : activityOf(rollout);
      if (seen !== null && seen.status !== 'busy') return { ...seen, ...signOf(rollout) };
      const shown = await screen().catch(() => '');
      if (seen !== null) return { ...seen, ...asking(shown), ...signOf(rollout) };
      return { ...UNKNOWN_ACTIVITY, ...greeting(shown), ...signOf(rollout), sinceMs: startedAtMs };
    },
    lastError: (run) => {
      const error = ofRun(run)?.error ?? null;
      return error === null
        ? null
        : { text: error.text, limit: error.limit ? { untilMs: null } : null, denied: null };
    },
    watchPaths: () => (deps.reports === null ? [] : [deps.reports.spool]),
    findConversation: (run) => ofRun(run)?.id ?? null,
    transcripts: (run) => {
      const file = interactive ? (ofRun(run)?.file ?? null) : null;
      return file === null ? [] : [file];
    },
  };
}

/** What a rollout says of the agent; between an end and the next begin it is at rest. */
export function activityOf({ turn, error }: RolloutState): AgentActivity {
  const common: AgentActivity = { ...UNKNOWN_ACTIVITY, sinceMs: turn?.atMs ?? null };
  if (turn === null) return { ...common, status: 'starting' };
  if (turn.kind === 'begun') return { ...common, status: 'busy' };
  if (turn.kind === 'aborted')
    return { ...common, status: 'waiting', detail: 'interrupted by you: tell it how to go on' };
  if (error?.limit === true) return { ...common, status: 'limited', detail: error.text };
  return { ...common, status: 'idle' };
}

function signOf(rollout: RunRollout | null): Pick<AgentActivity, 'lastSignAtMs' | 'sessionId'> {
  return { lastSignAtMs: rollout?.modifiedAtMs ?? null, sessionId: rollout?.id ?? null };
}

/** Before its session there are only its first questions, which nobody but the user answers. */
function greeting(screen: string): Partial<AgentActivity> & Pick<AgentActivity, 'status'> {
  const asks = { status: 'waiting', inferred: true, dialog: 'other' } as const;
  if (/Trust this folder\?|Do you trust the contents/.test(screen)) {
    const detail = 'Codex asks whether this folder is trusted: accept once, then /quit';
    return { ...asks, detail, remedy: 'codex' };
  }
  if (/Sign in with ChatGPT|Provide your own API key/.test(screen)) {
    return { ...asks, detail: 'Codex is not logged in', remedy: LOGIN };
  }
  return { status: 'starting' };
}

/**
 * What it asks in the middle of a turn, which only its screen tells. Single letters and digits answer it (`y` allows, `a` or `p`
 * allow for good), so that nothing may be typed.
 */
export function asking(screen: string): Partial<AgentActivity> {
  const flat = screen.replace(/\s+/g, ' ');
  const asks = { status: 'waiting', inferred: true } as const;
  if (/Press enter to confirm or esc to canc/i.test(flat)) {
    const command = /^\s*\$ (.+)$/m.exec(
      screen.slice(Math.max(0, screen.lastIndexOf('Would you like'))),
    )?.[1];
    const detail =
      command === undefined ? 'asks for permission' : `wants to run: ${printable(command.trim())}`;
    return { ...asks, detail, dialog: 'permission' };
  }
  if (/enter to submit (answer|all)/i.test(flat))
    return { ...asks, detail: 'asks a question', dialog: 'question' };
  return {};
}

/** What each permission mode means to Codex: who approves, and what its own sandbox lets through. */
const PERMISSIONS: Readonly<Record<AgentSettings['permissions'], Readonly<Record<string, string>>>> = {
  auto: { sandbox_mode: 'workspace-write', approval_policy: 'on-request', approvals_reviewer: 'auto_review' },
  acceptEdits: { sandbox_mode: 'workspace-write', approval_policy: 'on-request' },
  dontAsk: { sandbox_mode: 'workspace-write', approval_policy: 'never' },
  plan: { sandbox_mode: 'read-only', approval_policy: 'never' },
  manual: { sandbox_mode: 'read-only', approval_policy: 'on-request' },
  bypass: { sandbox_mode: 'danger-full-access', approval_policy: 'never' },
};

/** Everything the command line depends on. */
export type CodexArguments = {
  readonly agent: AgentSettings;
  readonly command: string;
  readonly resume: string | null;
  readonly mcpServer: AgentDeps['mcpServer'];
  /** Names of the variables that our MCP server needs: their values are never part of the command line. */
  readonly variables: readonly string[];
  /** Told of the end of each turn, with a word of JSON; null: nobody. */
  readonly notify: readonly string[] | null;
  /** Directories besides the worktree that its sandbox lets it write. */
  readonly writable: readonly string[];
  readonly prompt: string;
};

/** Settings all go by `-c`, which every subcommand takes; the prompt stands after `--`. */
export function codexArguments(request: CodexArguments): string[] {
  const { agent, resume } = request;
  const settings: Readonly<Record<string, unknown>> = {
    ...PERMISSIONS[agent.permissions],
    ...(agent.model === null ? {} : { model: agent.model }),
    check_for_update_on_startup: false,
    'sandbox_workspace_write.writable_roots': request.writable,
    ...(request.notify === null ? {} : { notify: request.notify }),
    ...mcpSettings(request),
  };
  return [
    request.command,
    ...(agent.mode === 'print' ? ['exec', '--json'] : []),
    ...(resume === null ? [] : ['resume']),
    // A text, list or number of JSON is one of TOML.
    ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${JSON.stringify(value)}`]),
    ...agent.args,
    ...(resume === null ? [] : [resume]),
    '--',
    request.prompt,
  ];
}

function mcpSettings({ mcpServer, variables }: CodexArguments): Readonly<Record<string, unknown>> {
  if (mcpServer === null) return {};
  const of = (name: string): string => `mcp_servers.${MCP_NAME}.${name}`;
  return {
    [of('command')]: mcpServer.command,
    [of('args')]: mcpServer.args,
    [of('env_vars')]: variables,
    // How a worker reports is never asked for.
    [of('default_tools_approval_mode')]: 'approve',
  };
}

function prepareCodex(agent: AgentSettings, deps: AgentDeps, request: LaunchRequest): Launch {
  const { spool } = deps.reports ?? { spool: null };
  const variables = spool === null ? {} : { ORCHESTRATE_SPOOL: spool };
  const env = { ...request.env, ...variables, ORCHESTRATE_TOKEN: request.token };
  const promptFile = writeRunFile(request.runDir, 'prompt.md', request.prompt);
  const argv = codexArguments({
    agent,
    command: programOf(agent, deps),
    resume: request.resume,
    mcpServer: deps.mcpServer,
    variables: Object.keys(env),
    notify: spool === null ? null : ['/bin/sh', writeNotice(spool, request.runDir)],
    // A worktree's commits lie in the repository that it belongs to.
    writable: [deps.commonDir],
    prompt: promptArgument(request.prompt, promptFile),
  });
  return { argv, env, sessionId: request.resume };
}

/**
 * What Codex calls at the end of each turn: a file in the spool, so that the poller looks at once. The rollout says what it
 * was; titles are turns of sessions of their own, and call it too.
 */
const NOTICE = [
  '# Made by orchestrate. Tells orchestrate that a turn has ended; never fails the agent.',
  'umask 077',
  'name=$ORCHESTRATE_KEY-$ORCHESTRATE_RUN.TurnEnd.json',
  'cd "$ORCHESTRATE_SPOOL" 2>/dev/null || exit 0',
  'printf "%s\\n" "$1" > "./.$name.$$" && mv -f "./.$name.$$" "./$name"',
  'exit 0',
  '',
].join('\n');

function writeNotice(spool: string, runDir: string): string {
  mkdirSync(spool, { recursive: true, mode: 0o700 });
  return writeRunFile(runDir, 'report', NOTICE);
}

function checkCodex(agent: AgentSettings, deps: AgentDeps, paths: CodexPaths): AgentCheck[] {
  const file = findCommand(agent.command, deps.env['PATH'] ?? '', deps.projectRoot);
  if (file === null) return [missingCommand(agent.command)];
  const fix = `cd ${shellWord(deps.projectRoot)} && codex`;
  const trusted = isTrusted(paths, deps.projectRoot);
  return [
    { name: 'agent', level: 'ok', message: file, fix: null },
    ...checkNoWall('Codex', agent.wall),
    trusted
      ? { name: 'trust', level: 'ok', message: 'Codex trusts this project', fix: null }
      : {
          name: 'trust',
          level: 'warn',
          message: 'Codex may not have been told to trust this project: answer it once, then /quit',
          fix,
        },
    ...checkUnasked(agent.permissions),
  ];
}
