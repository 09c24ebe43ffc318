/** `orchestrate plan`: checks the plan and shows its structure, as text, JSON or a drawing. */
import { openProject } from '../app/project.ts';
import { EXIT } from '../core/errors.ts';
import type { Plan } from '../core/types.ts';
import type { PlanStore } from '../task-copilot/types.ts';
import { earlierText, joinPlans, planJsonWith } from '../view/pages/plan-earlier.ts';
import { planDot, planMermaid } from '../view/pages/plan-graphics.ts';
import { planJson } from '../view/pages/plan-json.ts';
import { planText } from '../view/pages/plan-text.ts';
import { type CommandModule, usageError } from './definition.ts';
import type { Io } from './io.ts';
import { planError } from './plan-error.ts';

/** What the command needs of the world. */
export type PlanContext = {
  readonly openStore: () => Promise<Pick<PlanStore, 'readPlan' | 'earlierPlans'>>;
  readonly print: Io['print'];
  /** Width that text is fitted to; null: it stays whole. */
  readonly columns: number | null;
  readonly warn: Io['warn'];
};

export type PlanLook = { readonly form: 'text' | 'json' | 'mermaid' | 'dot'; readonly all: boolean };

/**
 * Prints the plan of the current initiative, or of all. Exit 7 for one with problems: thrown, but with JSON, which holds
 * the problems itself, told on stderr only.
 */
export async function runPlan(context: PlanContext, { form, all }: PlanLook): Promise<number> {
  const store = await context.openStore();
  const plan = store.readPlan();
  const earlier = all ? store.earlierPlans() : null;
  const error = planError(plan.problems);
  if (form === 'json') {
    context.print(JSON.stringify(earlier === null ? planJson(plan) : planJsonWith(plan, earlier)));
    if (error !== null) context.warn(`orchestrate: error: ${error.message}\n  fix: ${error.fix}`);
    return error?.exitCode ?? EXIT.ok;
  }
  for (const text of pages(plan, earlier ?? [], form, context.columns)) context.print(text);
  if (error !== null) throw error;
  return EXIT.ok;
}

function pages(
  plan: Plan,
  earlier: readonly Plan[],
  form: 'text' | 'mermaid' | 'dot',
  columns: number | null,
): string[] {
  if (form === 'text')
    return [
      ...(plan.streams.length > 0 ? [planText(plan, columns)] : []),
      ...earlier.map((each) => earlierText(each, columns)),
    ];
  const whole = joinPlans(plan, earlier);
  return whole.streams.length > 0 ? [DRAW[form](whole)] : [];
}

const DRAW = { mermaid: planMermaid, dot: planDot } as const;

export const run: CommandModule['run'] = async (_args, flags, io) => {
  const drawings = (['mermaid', 'dot'] as const).filter((form) => flags[form] === true);
  const forms = [...(io.json ? (['json'] as const) : []), ...drawings];
  if (forms.length > 1)
    throw usageError(`--${forms.join(' and --')} exclude each other`, `orchestrate plan --${forms[0]}`);
  const project = openProject(io);
  try {
    const context: PlanContext = {
      openStore: () => project.planStore(),
      print: io.print,
      columns: io.columns(),
      warn: io.warn,
    };
    return await runPlan(context, { form: forms[0] ?? 'text', all: flags['all'] === true });
  } finally {
    project.close();
  }
};
