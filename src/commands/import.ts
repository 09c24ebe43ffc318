/** `orchestrate import`: checks a plan file and brings it into the store, whole or not at all. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { openProject, type Project } from '../app/project.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import type { PlanInput } from '../core/plan/plan-input.ts';
import { planOfInput } from '../core/plan/plan-input.ts';
import { plural, printable } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';
import type { Plan } from '../core/types.ts';
import { refuseInsideRun, refuseSwitch } from '../operator/run-scope.ts';
import { type PlanFileProblem, readPlanFile } from '../plan-file/document.ts';
import { parsePlanFile } from '../plan-file/parse.ts';
import type { PlanStore } from '../task-copilot/types.ts';
import { archivedLines, planText } from '../view/pages/plan-text.ts';
import type { CommandModule } from './definition.ts';
import type { Io } from './io.ts';

/** What the command needs of the world. */
export type ImportContext = {
  /** Null for a store that isn't there and isn't to be made. */
  readonly openStore: (
    create: boolean,
  ) => Promise<Pick<PlanStore, 'importPlan' | 'readPlan' | 'currentInitiative'> | null>;
  readonly readFile: (path: string) => Promise<string>;
  readonly readStdin: () => Promise<string>;
  /** Throws exit 5 while workers of another initiative than this one live; null is one that is just made. */
  readonly refuseWhileWorkersLive: (initiativeId: string | null, again: string) => Promise<void>;
  readonly print: Io['print'];
};

export type ImportRequest = {
  /** A path, or `-` for stdin. */
  readonly file: string;
  readonly update: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
};

type Imported = ReturnType<PlanStore['importPlan']>;

/** Imports the plan and says what came of it. Throws exit 7 for anything wrong with the plan, with every problem in the box. */
export async function runImport(context: ImportContext, request: ImportRequest): Promise<number> {
  const fromStdin = request.file === '-';
  const text = await (fromStdin ? context.readStdin() : context.readFile(request.file));
  const parsed = parsePlanFile(text);
  const file = fromStdin ? 'stdin' : printable(request.file, 200);
  if (!parsed.ok) throw badFile(file, parsed.problems);
  const input = parsed.plan;
  const { update, dryRun, json } = request;
  const plan = planOfInput(input, update ? await planUpdated(context, input) : null);
  if (plan.problems.length > 0) throw badPlan(file, plan);
  await refuseUnderWorkers(context, input, request);
  // Not before here, so that a plan that is refused leaves no store behind.
  const store = await context.openStore(!dryRun);
  const imported =
    store?.importPlan(input, { update, dryRun, again: `${importCommand(request.file)} --update` }) ??
    imagined(input, plan);
  const shown = dryRun || store === null ? plan : store.readPlan();
  context.print(json ? jsonOf(imported, dryRun) : textOf(imported, shown, request));
  return EXIT.ok;
}

/** The plan that an update adds to: that of the current initiative, unless the file is for another one. */
async function planUpdated(context: ImportContext, input: PlanInput): Promise<Plan | null> {
  const store = await context.openStore(false);
  const other = input.initiative !== null && input.initiative.id !== store?.currentInitiative()?.id;
  return store === null || other ? null : store.readPlan();
}

/** An update also brings streams without an initiative into one. */
async function refuseUnderWorkers(
  context: ImportContext,
  { initiative }: PlanInput,
  { file, update }: ImportRequest,
): Promise<void> {
  const again = `${importCommand(file)}${update ? ' --update' : ''}`;
  if (initiative !== null) return context.refuseWhileWorkersLive(initiative.id, again);
  const store = update ? await context.openStore(false) : null;
  if (store?.currentInitiative() === null) await context.refuseWhileWorkersLive(null, again);
}

/** What a dry run without a store answers. */
function imagined(input: PlanInput, plan: Plan): Imported {
  const tasks = input.tasks.length;
  return { prd: 'PRD-new', streams: plan.streams.length, tasks, added: tasks, changed: 0, archivedTasks: 0 };
}

function jsonOf(imported: Imported, dryRun: boolean): string {
  return JSON.stringify({ schemaVersion: 1, ...imported, dryRun });
}

function textOf(
  { prd, streams, tasks, added, changed, archivedTasks }: Imported,
  plan: Plan,
  { dryRun, update }: ImportRequest,
): string {
  const counts = `${plural(tasks, 'task')} across ${plural(streams, 'stream')}`;
  const kept = `${added} added, ${changed} changed, ${tasks - added - changed} as they were`;
  const news = added === tasks ? `Tasks Created: ${counts}` : `Tasks: ${counts}: ${kept}`;
  const archived = archivedLines(archivedTasks);
  if (dryRun)
    return [planText(plan), '', 'Dry run, nothing was changed. It would say:', news, ...archived].join('\n');
  return [
    `${update ? 'PRD' : 'PRD Created'}: ${prd}`,
    news,
    ...archived,
    '',
    planText(plan),
    '',
    'Next: orchestrate start',
  ].join('\n');
}

function badFile(file: string, problems: readonly PlanFileProblem[]): OrchestrateError {
  const lines = problems.map(({ line, path, message }) => {
    const where = line === null ? file : `${file}:${line}`;
    return printable(`${where}: ${problemText(line, printable(path, 200), message)}`, 400);
  });
  return refusal(lines, 'correct the file; the form of a plan is in ORCHESTRATION_GUIDE.md');
}

/** A place is said where the message is about it (`streams[0].tasks is missing`), and where no line tells it. */
function problemText(line: number | null, path: string, message: string): string {
  if (path === '') return message;
  if (/^(?:is|has|must) /.test(message)) return `${path} ${message}`;
  return line === null ? `${path}: ${message}` : message;
}

function badPlan(file: string, { problems }: Plan): OrchestrateError {
  const lines = problems.map((problem) => `${file}: ${printable(problem.message)}`);
  return refusal(lines, 'correct the file, and import it again');
}

function refusal(lines: readonly string[], fix: string): OrchestrateError {
  const [first = '', ...others] = lines;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const box = ['Problems:', ...lines.slice(0, 20).map((line) => `  • ${line}`)];
  if (lines.length > 20) box.push(`  … ${lines.length - 20} more`);
  const options = others.length === 0 ? {} : { box: box.join('\n') };
  return new OrchestrateError(EXIT.input, `${first}${more}`, fix, options);
}

export const run: CommandModule['run'] = async (args, flags, io) => {
  refuseInsideRun(io.env, 'import');
  const project = openProject(io);
  try {
    const file = args[0] ?? '-';
    return await runImport(contextOf(project, io), {
      file,
      update: flags['update'] === true,
      dryRun: flags['dry-run'] === true,
      json: io.json,
    });
  } finally {
    project.close();
  }
};

/** The import of that file, ready to paste. */
function importCommand(file: string): string {
  return `orchestrate import ${shellWord(file !== '-' && file.startsWith('-') ? `./${file}` : file)}`;
}

function contextOf(project: Project, io: Io): ImportContext {
  return {
    openStore: async (create) =>
      create || existsSync(project.workspace().storePath) ? project.planStore({ create }) : null,
    readFile: (path) => readPlanFile(resolve(io.cwd, path), path),
    readStdin: io.readStdin,
    refuseWhileWorkersLive: (initiativeId, again) =>
      refuseSwitch(project, initiativeId, `orchestrate stop && ${again}`),
    print: io.print,
  };
}
