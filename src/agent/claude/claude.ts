/** Claude Code as an agent: what is launched for a run and what a living one says; knows nothing of windows, gates or plans. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { costUsd } from '../../core/decide/limits.ts';
import { printable } from '../../core/printable.ts';
import type { AgentError, Run, StreamRecord } from '../../core/types.ts';
import type { Agent, AgentCheck, AgentDeps, AgentSettings, Launch, LaunchRequest } from '../port.ts';
import { mcpConfig, NOTES_FILE, programOf, promptArgument, writeRunFile } from '../run-files.ts';
import { type ClaudePaths, claudePaths } from './claude-paths.ts';
import { readableOutput, readableTranscript } from './conversation.ts';
import { hasDraft, LOGIN } from './dialogs.ts';
import { FENCE_SCRIPT, fenceHook } from './fence-script.ts';
import { holdersOf } from './registry.ts';
import { REPORT_SCRIPT, reportingHooks, reportingStatusLine } from './report-script.ts';
import { createReports, type Report } from './reports.ts';
import { createSessionLook } from './session-look.ts';
import { type ClaudeHooks, claudeArguments, claudeSettings } from './settings.ts';
import { conversationsBeside, createTranscripts, listenTo, type Transcripts } from './transcript.ts';
import { closedAtPrompt, endedBeforeItsTurn, errorOf } from './turn-end.ts';
import { createUsageMeter } from './usage.ts';

/** The claude agent, interactive in its pane or (mode `print`) headless. */
export function createClaudeAgent(agent: AgentSettings, deps: AgentDeps): Agent {
  const paths = claudePaths(deps.env);
  const transcripts = createTranscripts(paths.projects);
  const meter = createUsageMeter();
  const reports = deps.reports === null ? null : createReports(deps.reports.spool, deps.reports.isTokenOf);
  const interactive = agent.mode === 'interactive';
  const transcriptOf = ({ sessionId }: Run) => (sessionId === null ? null : transcripts.find(sessionId));

  const reportsOf = (run: Run): readonly Report[] => reports?.of(run.key, run.number) ?? [];
  return {
    kind: 'claude',
    about: aboutClaude(agent),
    interactive,
    readsTyping: interactive,
    conversation: { transcript: readableTranscript, output: readableOutput },
    login: LOGIN,
    resumeCommand: (conversation) => ['claude', '--resume', conversation],
    lastStop: (key, run) => reports?.of(key, run).find(({ event }) => event === 'Stop') ?? null,
    refusal: (reason) => JSON.stringify({ decision: 'block', reason }),
    endSignal: 'SIGINT',
    check: () => checkWith(agent, deps, paths),
    prepare: async (request) => prepareClaude(agent, deps, request),
    activity: createSessionLook({ paths, transcripts, reports, interactive, nowMs: deps.nowMs }),
    failedCommit: ({ sessionId }) =>
      sessionId === null ? null : (transcripts.tail(sessionId)?.failedCommit ?? null),
    lastError: (run) => lastErrorOf(run, transcripts, reportsOf(run)),
    closedByUser: (run) => interactive && closedAtPrompt(reportsOf(run)),
    watchPaths: () => [
      ...(interactive ? [paths.sessions] : []),
      ...(deps.reports === null ? [] : [deps.reports.spool]),
    ],
    findConversation: (run) => conversationOf(run, transcripts, reportsOf(run)),
    holders: (conversation) => holdersOf(paths.sessions, conversation),
    hasDraft: (screen) => interactive && hasDraft(screen),
    listen: (run) => listenIn(transcriptOf(run)),
    usage: (run) => {
      const file = transcriptOf(run);
      return file === null ? null : meter.of(run, file, reports?.cost(run.key, run.number) ?? null);
    },
    // Headless, the pane has the whole conversation, and what went wrong before it began.
    transcripts: (run) => (interactive ? conversationsBeside(transcriptOf(run)) : []),
  };
}

/** Loaded only when asked for: it brings the package that runs programs, which looking at workers does not need. */
async function checkWith(agent: AgentSettings, deps: AgentDeps, paths: ClaudePaths): Promise<AgentCheck[]> {
  const { checkClaude } = await import('./check.ts');
  return checkClaude({ agent, projectRoot: deps.projectRoot, env: deps.env, paths, isRoot: deps.isRoot });
}

function lastErrorOf(run: Run, transcripts: Transcripts, reports: readonly Report[]): AgentError | null {
  const tail = run.sessionId === null ? null : transcripts.tail(run.sessionId);
  return errorOf(reports, tail, run.startedAtMs);
}

function listenIn(transcript: string | null): ReturnType<Agent['listen']> {
  return transcript === null ? null : listenTo(transcript);
}

/** What `start` tells of it. */
function aboutClaude({ mode, model, permissions, wall, remoteControl }: AgentSettings): Agent['about'] {
  const remote = remoteControl && mode === 'interactive' ? ', remote control' : '';
  return {
    agent: `Claude Code, ${mode}${model === null ? '' : `, model ${printable(model)}`}${remote}`,
    permissions:
      permissions === 'bypass' ? 'BYPASS: every permission check of the agent is off' : permissions,
    wall: isFenced({ wall })
      ? 'fence: edits and git commands stay in the worktree'
      : 'NONE: agents may reach anywhere',
  };
}

/** The conversation that can go on after this run; null when there is none, or it turned out that it cannot. */
function conversationOf(run: Run, transcripts: Transcripts, reports: readonly Report[]): string | null {
  if (run.sessionId === null || endedBeforeItsTurn(run, reports, transcripts.tail(run.sessionId)))
    return null;
  return transcripts.newest(run.sessionId, run.key);
}

/** Writes prompt, settings and MCP configuration into the run's directory and returns what to execute. */
function prepareClaude(agent: AgentSettings, deps: AgentDeps, request: LaunchRequest): Launch {
  const { runDir, record, prompt } = request;
  const env = {
    ...request.env,
    ORCHESTRATE_TOKEN: request.token,
    ...prepareReports(deps, runDir),
    ...prepareFence(agent, record, runDir),
  };
  const promptFile = writeRunFile(runDir, 'prompt.md', prompt);
  const settings = claudeSettings({
    agent,
    commands: deps.commands,
    worktree: record.worktree,
    readable: [promptFile, join(runDir, NOTES_FILE)],
    hooks: hooksOf(agent, deps),
    statusLine: deps.reports === null || deps.maxCostUsd === null ? null : reportingStatusLine(),
  });
  const argv = claudeArguments({
    agent,
    command: programOf(agent, deps),
    name: record.key,
    remoteName: remoteName(request.env['WORKSPACE_ID'] ?? '', record.streamId),
    sessionId: request.sessionId,
    resume: request.resume,
    settingsFile: writeRunFile(runDir, 'settings.json', JSON.stringify(settings, null, 2)),
    mcpFile: writeRunFile(runDir, 'mcp.json', JSON.stringify(mcpConfig(deps.mcpServer, env), null, 2)),
    budgetUsd: deps.maxCostUsd === null ? null : Math.max(0.01, deps.maxCostUsd - costUsd(record)),
    prompt: promptArgument(prompt, promptFile),
  });
  return { argv, env, sessionId: request.resume ?? request.sessionId };
}

/** What a user reads in the list of sessions; a name that begins with a dash would be read as an option. */
function remoteName(workspace: string, streamId: string): string {
  const name = printable(`${workspace} ${streamId}`, 100).replace(/^[-\s]+/, '');
  return name === '' ? 'orchestrate' : name;
}

/** Puts the hooks' script into the run's directory; returns the variables it works by. */
function prepareReports({ reports }: AgentDeps, runDir: string): Readonly<Record<string, string>> {
  if (reports === null) return {};
  mkdirSync(reports.spool, { recursive: true, mode: 0o700 });
  return {
    ORCHESTRATE_REPORT: writeRunFile(runDir, 'report', REPORT_SCRIPT),
    ORCHESTRATE_SPOOL: reports.spool,
  };
}

function isFenced({ wall }: Pick<AgentSettings, 'wall'>): boolean {
  return wall !== 'none';
}

/** Puts the fence's script into the run's directory; returns the variables it works by. */
function prepareFence(
  agent: AgentSettings,
  { worktree }: Pick<StreamRecord, 'worktree'>,
  runDir: string,
): Readonly<Record<string, string>> {
  if (!isFenced(agent)) return {};
  return {
    ORCHESTRATE_FENCE: writeRunFile(runDir, 'fence', FENCE_SCRIPT),
    ORCHESTRATE_WORKTREE: worktree,
  };
}

/** What Claude Code calls: the reports and the fence; null for nothing. */
function hooksOf(agent: AgentSettings, deps: AgentDeps): ClaudeHooks | null {
  const reporting: ClaudeHooks = deps.reports === null ? {} : reportingHooks();
  if (!isFenced(agent)) return deps.reports === null ? null : reporting;
  return { ...reporting, PreToolUse: [...(reporting['PreToolUse'] ?? []), fenceHook()] };
}
