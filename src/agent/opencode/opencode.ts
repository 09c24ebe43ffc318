/** opencode as an agent: what is launched for a run, and what its plugin reports; knows nothing of windows, gates or plans. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { fieldsOf, numberOf, parseObject, stringOf } from '../../core/json-fields.ts';
import { printable } from '../../core/printable.ts';
import type { AgentActivity, Run } from '../../core/types.ts';
import { UNKNOWN_ACTIVITY } from '../../core/worker-types.ts';
import { readIfPresent, statIfPresent } from '../../files/present.ts';
import { checkNoWall, checkUnasked, findCommand, missingCommand } from '../find-command.ts';
import {
  type Agent,
  type AgentCheck,
  type AgentDeps,
  type AgentSettings,
  type Launch,
  type LaunchRequest,
  TELLS_NOTHING,
  type ToldLine,
} from '../port.ts';
import { MCP_NAME, programOf, promptArgument, writeRunFile } from '../run-files.ts';
import { PLUGIN, REPORT } from './report-plugin.ts';

/** What the user types to log in. */
const LOGIN = 'opencode auth login';

/** The opencode agent: its full-screen program in its pane, or (mode `print`) `opencode run`. */
export function createOpencodeAgent(agent: AgentSettings, deps: AgentDeps): Agent {
  const interactive = agent.mode === 'interactive';
  const reportOf = (run: Run): SessionReport | null => readReport(deps, run);
  return {
    ...TELLS_NOTHING,
    kind: 'opencode',
    about: {
      agent: `opencode, ${agent.mode}${agent.model === null ? '' : `, model ${printable(agent.model)}`}`,
      permissions: agent.permissions === 'bypass' ? 'BYPASS: everything is allowed' : agent.permissions,
      wall: null,
    },
    interactive,
    readsTyping: interactive,
    endSignal: 'SIGTERM',
    conversation: { transcript: () => [], output: readableOutput },
    login: LOGIN,
    resumeCommand: (conversation) => ['opencode', '--session', conversation],
    check: async () => checkOpencode(agent, deps),
    prepare: async (request) => prepareOpencode(agent, deps, request),
    activity: async (run) => {
      const report = reportOf(run);
      const startedAtMs = run.claimedAtMs ?? run.startedAtMs;
      const seen = activityOf(report, startedAtMs);
      return interactive ? seen : { ...seen, status: 'busy', detail: null, dialog: null, account: false };
    },
    lastError: (run) => {
      const error = reportOf(run)?.error ?? null;
      return error === null
        ? null
        : { text: error.text, limit: error.passes ? { untilMs: null } : null, denied: null };
    },
    watchPaths: () => (deps.reports === null ? [] : [deps.reports.spool]),
    findConversation: (run) => reportOf(run)?.session ?? run.sessionId,
    transcripts: () => [],
  };
}

/** What the plugin last wrote of a run's session. */
export type SessionReport = {
  readonly status: string | null;
  readonly sinceMs: number | null;
  readonly signAtMs: number;
  readonly session: string | null;
  readonly detail: string | null;
  /** The error of the last turn; `passes`: time cures it, `account`: the user has to see to the login, `aborted`: they ended the turn. */
  readonly error: {
    readonly text: string;
    readonly passes: boolean;
    readonly account: boolean;
    readonly aborted: boolean;
  } | null;
};

/** The activity that a report shows; null: nothing was reported yet. */
export function activityOf(report: SessionReport | null, startedAtMs: number): AgentActivity {
  if (report === null) return { ...UNKNOWN_ACTIVITY, status: 'starting', sinceMs: startedAtMs };
  const { status, detail, error } = report;
  const common: AgentActivity = {
    ...UNKNOWN_ACTIVITY,
    sinceMs: report.sinceMs,
    lastSignAtMs: report.signAtMs,
    sessionId: report.session,
  };
  if (status === 'waiting') return { ...common, status: 'waiting', detail, dialog: 'other' };
  if (status === 'busy' || status === 'retry') return { ...common, status: 'busy', doing: detail };
  if (status !== 'idle') return { ...common, status: 'starting', sinceMs: startedAtMs };
  if (error?.account === true)
    return {
      ...common,
      status: 'waiting',
      detail: error.text,
      remedy: LOGIN,
      account: true,
    };
  if (error?.passes === true) return { ...common, status: 'limited', detail: error.text };
  if (error?.aborted === true)
    return { ...common, status: 'waiting', detail: 'interrupted by you: tell it how to go on' };
  return { ...common, status: 'idle' };
}

function readReport({ reports }: AgentDeps, run: Run): SessionReport | null {
  if (reports === null) return null;
  const file = path.join(reports.spool, `${run.key}-${run.number}.${REPORT}.json`);
  const stat = statIfPresent(file);
  const text = readIfPresent(file);
  if (stat === null || text === null) return null;
  const end = text.indexOf('\n');
  if (end < 0 || !reports.isTokenOf(text.slice(0, end), run.key, run.number)) return null;
  const fields = parseObject(text.slice(end + 1));
  if (fields === null) return null;
  const error = fieldsOf(fields['error']);
  const code = numberOf(error['code']) ?? 0;
  return {
    status: stringOf(fields['status']),
    sinceMs: numberOf(fields['sinceMs']),
    signAtMs: stat.mtimeMs,
    session: stringOf(fields['session']),
    detail: stringOf(fields['detail']),
    error:
      stringOf(error['name']) === null
        ? null
        : {
            text: stringOf(error['text']) || 'the service failed',
            passes: code === 429 || code >= 500,
            account: error['name'] === 'ProviderAuthError' || code === 401 || code === 403,
            aborted: error['name'] === 'MessageAbortedError',
          },
  };
}

type Rule = 'allow' | 'ask' | 'deny';
type Permissions = Rule | Readonly<Record<string, Rule | Readonly<Record<string, Rule>>>>;

/** What each permission mode means to opencode. Of patterns the last that matches decides. */
export function opencodePermissions(agent: AgentSettings, commands: readonly string[]): Permissions {
  const { permissions, attended } = agent;
  if (permissions === 'bypass') return 'allow';
  const question = attended ? 'allow' : 'deny';
  const places = { external_directory: attended ? 'ask' : 'deny', question } as const;
  if (permissions === 'auto') return { ...places, edit: 'allow', bash: 'allow' };
  if (permissions === 'plan') return { ...places, edit: 'deny', bash: { '*': 'deny', ...LOOKS } };
  const other: Rule = permissions === 'dontAsk' ? 'deny' : 'ask';
  const exact = commands.map((each) => each.trim()).filter((each) => !/[*?]/.test(each));
  const own = agent.allow ?? ['git add *', 'git commit *', 'orchestrate task *', ...exact];
  const bash = { '*': other, ...Object.fromEntries(own.map((each) => [each, 'allow'] as const)), ...LOOKS };
  return { ...places, edit: permissions === 'manual' ? 'ask' : 'allow', bash };
}

/** Looking at the repository; but not at the price of a file written elsewhere. */
const LOOKS: Readonly<Record<string, Rule>> = {
  'git status*': 'allow',
  'git diff*': 'allow',
  'git log*': 'allow',
  'git show*': 'allow',
  'git *--out*': 'deny',
};

function prepareOpencode(agent: AgentSettings, deps: AgentDeps, request: LaunchRequest): Launch {
  const { runDir, resume } = request;
  const env = { ...request.env, ORCHESTRATE_TOKEN: request.token };
  const promptFile = writeRunFile(runDir, 'prompt.md', request.prompt);
  const { mcpServer } = deps;
  const command = mcpServer === null ? null : [mcpServer.command, ...mcpServer.args];
  const config = {
    ...parseObject(deps.env['OPENCODE_CONFIG_CONTENT'] ?? ''),
    autoupdate: false,
    share: 'disabled',
    permission: opencodePermissions(agent, deps.commands),
    ...(command === null
      ? {}
      : { mcp: { [MCP_NAME]: { type: 'local', command, environment: env, enabled: true } } }),
    ...(deps.reports === null ? {} : { plugin: [pluginUrl(runDir)] }),
  };
  if (deps.reports !== null) mkdirSync(deps.reports.spool, { recursive: true, mode: 0o700 });
  const prompt = promptArgument(request.prompt, promptFile);
  const argv = opencodeArguments(agent, programOf(agent, deps), resume, prompt);
  const spool = deps.reports === null ? {} : { ORCHESTRATE_SPOOL: deps.reports.spool };
  // The whole configuration holds the run's secret: it goes by the environment.
  return {
    argv,
    env: { ...env, ...spool, OPENCODE_CONFIG_CONTENT: JSON.stringify(config) },
    sessionId: resume,
  };
}

function pluginUrl(runDir: string): string {
  return pathToFileURL(writeRunFile(runDir, 'report-plugin.js', PLUGIN)).href;
}

/** The command line; a prompt that begins with a dash is no flag. */
export function opencodeArguments(
  agent: AgentSettings,
  command: string,
  resume: string | null,
  prompt: string,
): string[] {
  const common = [
    ...(resume === null ? [] : ['--session', resume]),
    ...(agent.model === null ? [] : ['--model', agent.model]),
    ...agent.args,
  ];
  if (agent.mode === 'print') return [command, 'run', '--format', 'json', ...common, '--', prompt];
  return [command, ...common, `--prompt=${prompt}`];
}

/** A line of `opencode run --format json` as readable ones; null for anything else that stands in a pane. */
export function readableOutput(line: string): ToldLine[] | null {
  if (!line.startsWith('{"type":"') || !line.includes('"sessionID":"')) return null;
  const entry = parseObject(line.trim()) ?? {};
  const part = fieldsOf(entry['part']);
  const atMs = numberOf(entry['timestamp']);
  const told = (text: string): ToldLine[] => text.split('\n').map((each) => ({ atMs, text: each }));
  if (entry['type'] === 'text') return told(stringOf(part['text']) ?? '');
  if (entry['type'] === 'tool_use') {
    const input = fieldsOf(fieldsOf(part['state'])['input']);
    const what = stringOf(input['command']) ?? stringOf(input['filePath']) ?? '';
    return told(`* ${stringOf(part['tool']) ?? 'a tool'} ${what}`.trim());
  }
  if (entry['type'] === 'error') return told(`! ${JSON.stringify(entry['error'] ?? '')}`);
  return entry['type'] === 'step_finish' && part['reason'] === 'stop' ? told('= finished') : [];
}

function checkOpencode(agent: AgentSettings, deps: AgentDeps): AgentCheck[] {
  const file = findCommand(agent.command, deps.env['PATH'] ?? '', deps.projectRoot);
  if (file === null) return [missingCommand(agent.command)];
  return [
    { name: 'agent', level: 'ok', message: file, fix: null },
    ...checkNoWall('opencode', agent.wall),
    ...checkUnasked(agent.permissions),
  ];
}
