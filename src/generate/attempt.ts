/** One attempt at a plan: a draft store, the planner on it, what it stored judged; nothing of it stays, however it ends. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MCP_NAME } from '../agent/run-files.ts';
import { projectPaths } from '../app/paths.ts';
import { LEAVE_SIGNALS } from '../app/signals.ts';
import { scratchDirectory } from '../files/scratch.ts';
import { shortPaths } from '../report/urgency.ts';
import { createDraft, type Draft, type LinkedInitiative, readDraft } from '../task-copilot/plan-draft.ts';
import { duration } from '../view/amounts.ts';
import { type DraftFindings, verifyDraft } from './draft-findings.ts';
import { type PlannerEnd, type PlannerRun, runPlanner } from './planner.ts';
import { createProgress, type PlannerProgress, readPlannerLine, WRITES } from './planner-events.ts';

/** How long the planner may be silent before its being at work is said again. */
const SILENCE_MS = 60_000;
/** The line of a terminal that shows it being at work. */
const FRAMES = ['-', '\\', '|', '/'] as const;
const FRAME_MS = 250;

/** What an attempt works with. */
export type AttemptOptions = {
  readonly planner: Pick<PlannerRun, 'command' | 'args' | 'model' | 'rules' | 'cwd' | 'env'>;
  readonly projectRoot: string;
  readonly workspace: string;
  readonly initiative: LinkedInitiative;
  readonly server: { readonly command: string; readonly args: readonly string[] };
  readonly verbose: boolean;
  /** Ends the planner and everything it started; resolves when all is gone. */
  readonly endPlanner: () => Promise<unknown>;
  readonly say: (line: string) => void;
  /** Redraws the one line of what is being done (null: takes it away); null where there is no terminal. */
  readonly spin: ((line: string | null) => void) | null;
};

/** How an attempt ended. `failed`: the planner itself did not work, and why. */
export type Attempt =
  | { readonly kind: 'judged'; readonly draft: Draft; readonly findings: DraftFindings }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'interrupted'; readonly exitCode: number };

/** Makes one attempt with this prompt. */
export async function attemptPlan(prompt: string, options: AttemptOptions): Promise<Attempt> {
  const { endPlanner } = options;
  let interrupted: number | null = null;
  const handlers = Object.entries(LEAVE_SIGNALS).map(([signal, exitCode]) => {
    const handler = (): void => {
      interrupted ??= exitCode;
      void endPlanner();
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  const draft = openDraftStore(options);
  try {
    const { end, progress } = await observed(prompt, draft.mcpConfig, options);
    await endPlanner();
    if (interrupted !== null) return { kind: 'interrupted', exitCode: interrupted };
    const why = failureOf(end, progress);
    if (why !== null) return { kind: 'failed', why };
    const made = draft.read();
    return { kind: 'judged', draft: made, findings: verifyDraft(made) };
  } finally {
    draft.remove();
    for (const forget of handlers) forget();
  }
}

/** Runs the planner, telling what it does; a planner without our tools is ended at once. */
async function observed(
  prompt: string,
  mcpConfig: string,
  { planner, projectRoot, verbose, endPlanner, say, spin }: AttemptOptions,
): Promise<{ end: PlannerEnd; progress: PlannerProgress }> {
  const progress = createProgress(verbose);
  const startedMs = performance.now();
  const sinceText = (): string => duration(performance.now() - startedMs);
  let ticks = 0;
  const silence = setInterval(
    () => {
      const doing = shortPaths(progress.doing(), projectRoot);
      ticks += 1;
      if (spin === null) say(`  … still planning: ${doing} (${sinceText()})`);
      else spin(`  ${FRAMES[ticks % FRAMES.length]} ${doing} (${sinceText()})`);
    },
    spin === null ? SILENCE_MS : FRAME_MS,
  );
  // Where no line can be redrawn each step has one of its own.
  const step = (line: string): void => (spin === null ? say(line) : undefined);
  let last = '';
  const onLine = (line: string): void => {
    if (spin === null) silence.refresh();
    for (const event of readPlannerLine(line)) {
      const told = progress.note(event);
      if (told !== null) say(told);
      const doing = shortPaths(progress.doing(), projectRoot);
      if (isStep(event.kind, doing, last)) step(`  · ${doing} (${sinceText()})`);
      last = doing;
    }
    if (progress.server() === 'failed') void endPlanner();
  };
  try {
    return { end: await runPlanner({ ...planner, mcpConfig, prompt, onLine }), progress };
  } finally {
    clearInterval(silence);
    spin?.(null);
  }
}

/** True for a step that nothing else tells of: what is written down is told when it is. */
function isStep(kind: string, doing: string, last: string): boolean {
  return kind === 'call' && doing !== last && !doing.startsWith(WRITES);
}

/** Why the planner did not work, null when it ended well. Its exit code alone says little: see what its last line says. */
function failureOf(end: PlannerEnd, progress: PlannerProgress): string | null {
  if (progress.server() === 'failed') return `it could not start the MCP server that keeps the plan`;
  if (end.notRun !== null) return end.notRun;
  const result = progress.result();
  if (result?.isError === true) return result.text;
  if (end.exitCode === 0 && result !== null) return null;
  const how = end.signal === null ? `exit code ${end.exitCode}` : end.signal;
  return `it ended with ${how}${end.stderr === '' ? '' : `: ${end.stderr}`}`;
}

type DraftStore = {
  /** Path of the MCP configuration. */
  readonly mcpConfig: string;
  readonly read: () => Draft;
  readonly remove: () => void;
};

/** Makes an empty draft in a private temporary directory, with its initiative linked. */
function openDraftStore(options: {
  readonly projectRoot: string;
  readonly workspace: string;
  readonly initiative: LinkedInitiative;
  /** Command line of our MCP server. */
  readonly server: { readonly command: string; readonly args: readonly string[] };
}): DraftStore {
  const directory = scratchDirectory('draft', projectPaths(options.projectRoot).orchestratorDir);
  const remove = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  const { projectRoot, workspace, initiative, server } = options;
  const base = join(directory, 'tasks');
  const store = join(base, workspace, 'tasks.db');
  const mcpConfig = join(directory, 'mcp.json');
  const env = { WORKSPACE_ID: workspace, TASK_DB_PATH: base, ORCHESTRATE_PROJECT: projectRoot };
  try {
    createDraft(store, initiative);
    const config = { mcpServers: { [MCP_NAME]: { ...server, env } } };
    writeFileSync(mcpConfig, JSON.stringify(config, null, 2), { mode: 0o600 });
  } catch (error) {
    remove();
    throw error;
  }
  return { mcpConfig, read: () => readDraft(store), remove };
}
