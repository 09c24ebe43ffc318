/** What the planner is told: its rules as a system prompt, and the feature with the mandatory requirements; pure but for the templates. */
import { existsSync, readFileSync } from 'node:fs';
import { plainLine } from '../agent/plain-text.ts';
import { templatePath } from '../app/package-root.ts';
import type { ProjectPaths } from '../app/paths.ts';

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
