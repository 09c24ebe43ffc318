/** Shows the plans of earlier initiatives with the current one. */
import { streamLevels } from '../../core/plan/graph.ts';
import { printable } from '../../core/printable.ts';
import type { Plan, PlanStream } from '../../core/types.ts';
import { planJson } from './plan-json.ts';
import { planText } from './plan-text.ts';

const titleOf = ({ initiative }: Plan): string => initiative?.title ?? 'without an initiative';

/** An earlier plan as text, under its initiative's title. */
export function earlierText(plan: Plan, columns: number | null): string {
  return `\nEarlier: ${printable(titleOf(plan))}\n\n${planText(plan, columns)}`;
}

/** The JSON of the current plan with the earlier plans' streams (each with its `initiative`) and depths behind its own. */
export function planJsonWith(plan: Plan, earlier: readonly Plan[]): object {
  const plans = [plan, ...earlier];
  const levels = plans.map(({ streams }) => streamLevels(streams));
  const deepest = Math.max(...levels.map((each) => each.length));
  return {
    ...planJson(plan),
    streams: plans.flatMap((each) =>
      planJson(each).streams.map((stream) => ({ ...stream, initiative: each.initiative?.id ?? null })),
    ),
    depths: Array.from({ length: deepest }, (_, depth) => levels.flatMap((each) => each[depth] ?? [])),
  };
}

/** All plans as one, to be drawn: an id that is taken already gets its initiative's title behind it. */
export function joinPlans(plan: Plan, earlier: readonly Plan[]): Plan {
  const taken = new Set(plan.streams.map(({ id }) => id));
  const streams: PlanStream[] = [...plan.streams];
  for (const each of earlier) {
    const nameOf = (id: string): string => (taken.has(id) ? `${id} (${titleOf(each)})` : id);
    const renamed = each.streams.map((stream) => ({
      ...stream,
      id: nameOf(stream.id),
      dependencies: stream.dependencies.map(nameOf),
    }));
    for (const { id } of renamed) taken.add(id);
    streams.push(...renamed);
  }
  return { ...plan, streams };
}
