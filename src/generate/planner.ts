/** Runs Claude Code headless as the planner: what it is told, which tools it may use, its lines as they come, and its end. */
import { existsSync, readFileSync } from 'node:fs';
import { plainLine } from '../agent/plain-text.ts';
import { MCP_NAME } from '../agent/run-files.ts';
import { templatePath } from '../app/package-root.ts';
import type { ProjectPaths } from '../app/paths.ts';
import { messageOf } from '../core/errors.ts';

/** The planner reads the repository and writes nothing but the plan. */
const READ_TOOLS = ['Read', 'Glob', 'Grep'];
const PLAN_TOOLS = [
  ...['prd_create', 'prd_get', 'prd_list'],
  ...['task_create', 'task_update', 'task_get', 'task_list'],
  ...['stream_list', 'stream_get', 'stream_conflict_check', 'initiative_get', 'progress_summary'],
].map((name) => `mcp__${MCP_NAME}__${name}`);

/** How long to wait for the last lines of a planner that has ended; its children may hold the pipe open. */
const LAST_LINES_MS = 1_000;
/** How much of the end of its error output is kept, in characters. */
const STDERR_TAIL = 2_000;

/** What to run. */
export type PlannerRun = {
  /** Absolute path of the program. */
  readonly command: string;
  /** Arguments of the user's own; where they say the same as ours, ours count. */
  readonly args: readonly string[];
  readonly model: string | null;
  readonly mcpConfig: string;
  readonly rules: string;
  readonly prompt: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
};

/** How it ended. `notRun`: why it couldn't be started, else null. */
export type PlannerEnd = {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly notRun: string | null;
  readonly stderr: string;
};

/** The command line; flags that take several values stand where another flag ends them. */
export function plannerArguments({ args, model, mcpConfig, rules }: Omit<PlannerRun, 'command'>): string[] {
  return [
    ...args,
    ...['-p', '--output-format', 'stream-json', '--verbose', '--no-session-persistence'],
    ...['--mcp-config', mcpConfig, '--strict-mcp-config'],
    // What isn't allowed is denied at once: nobody is there to be asked.
    ...['--permission-mode', 'dontAsk'],
    // The tool search finds tools of MCP servers that aren't shown to the model at first.
    ...['--tools', [...READ_TOOLS, 'ToolSearch'].join(',')],
    ...['--allowedTools', [...READ_TOOLS, ...PLAN_TOOLS].join(',')],
    ...(model === null ? [] : ['--model', model]),
    ...['--append-system-prompt', rules],
  ];
}

/** Runs the planner to its end, in a process group of its own, so that a Ctrl-C reaches only who started it. */
export async function runPlanner(run: PlannerRun): Promise<PlannerEnd> {
  const { execa } = await import('execa');
  let tail = '';
  const child = execa(run.command, plannerArguments(run), {
    cwd: run.cwd,
    env: run.env,
    extendEnv: false,
    detached: true,
    reject: false,
    buffer: false,
    input: run.prompt,
    stdout: function* (line: unknown) {
      run.onLine(String(line));
      yield line;
    },
    stderr: function* (line: unknown) {
      tail = `${tail}${String(line)}\n`.slice(-STDERR_TAIL);
      yield line;
    },
  });
  // Without a reader the pipes would fill up: nothing is buffered, since every line was looked at already.
  for (const stream of [child.stdout, child.stderr]) stream?.resume();
  child.once('exit', () => {
    const leave = (): void => {
      for (const stream of [child.stdout, child.stderr]) stream?.destroy();
    };
    setTimeout(leave, LAST_LINES_MS).unref();
  });
  const { exitCode = null, signal = null, ...ended } = await child;
  const notRun = exitCode === null && signal === null ? messageOf(ended.originalMessage) : null;
  return { exitCode, signal, notRun, stderr: tail.trim() };
}

/** Longest system prompt given, in bytes: it travels as one argument, and the system refuses one of 128 KiB. */
const LONGEST_RULES = 100_000;
const MOST_PROBLEMS = 20;
/** Longest problem told, in characters: it quotes what a planner wrote. */
const LONGEST_PROBLEM = 500;

/** The rules of the project's own planner agent where it has one, else those that init would put there. */
export function plannerRules(paths: ProjectPaths): string {
  const own = existsSync(paths.plannerAgent) ? bodyOf(readFileSync(paths.plannerAgent, 'utf8')) : '';
  const isUsable = own !== '' && !own.includes('\0') && Buffer.byteLength(own) <= LONGEST_RULES;
  return isUsable ? own : bodyOf(readFileSync(templatePath('agents/ta.md'), 'utf8'));
}

/** An agent file without its frontmatter. */
function bodyOf(text: string): string {
  return text.replace(/^\uFEFF?---\r?\n[\s\S]*?\n---[ \t]*\r?\n/, '').trim();
}

/** The prompt for a feature; with the `problems` of an attempt that failed, the stricter one. */
export function plannerPrompt(feature: string, problems: readonly string[] | null): string {
  const retry = problems === null ? '' : fill(template('generate-retry.md'), { problems: list(problems) });
  return fill(template('generate-prompt.md'), { retry, feature });
}

function template(name: string): string {
  return readFileSync(templatePath(name), 'utf8');
}

/** Replaces each `{{name}}` once; what is put in is never looked at again. */
function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => values[name] ?? whole);
}

function list(problems: readonly string[]): string {
  const shown = problems.slice(0, MOST_PROBLEMS).map((problem) => `- ${plainLine(problem, LONGEST_PROBLEM)}`);
  if (problems.length > MOST_PROBLEMS) shown.push(`- … ${problems.length - MOST_PROBLEMS} more`);
  return shown.join('\n');
}
