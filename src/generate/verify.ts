/** Judges what a planner stored: whether it is a plan that can be run; looks at rows only, never at what the planner said. */
import { quoted } from '../core/plan/plan-row.ts';
import type { Draft, SoundDraft } from '../task-copilot/plan-draft.ts';

/** What was found in the draft store. */
export type Verdict = {
  readonly prds: number;
  readonly streams: number;
  readonly tasks: number;
  /** Everything that is wrong, most telling first; none for a plan that can be run. */
  readonly problems: readonly string[];
};

/** The draft's store was empty, so all it holds is new. */
export function verifyDraft(draft: Draft): Verdict {
  const { prds, tasks, plan } = draft;
  const missing = [
    prds.length === 0 ? 'no PRD was created' : null,
    tasks.length === 0 ? 'no task was created' : null,
    tasks.length > 0 && plan.streams.length === 0 ? 'no task names a stream' : null,
  ].filter((problem) => problem !== null);
  const graph = plan.problems.filter(({ code }) => code !== 'no-streams').map(({ message }) => message);
  const problems = [...missing, ...graph, ...tasks.flatMap(taskProblems)];
  return { prds: prds.length, streams: plan.streams.length, tasks: tasks.length, problems };
}

/** True when nothing is wrong with the draft. */
export function isSound(draft: Draft, verdict: Verdict): draft is SoundDraft {
  return verdict.problems.length === 0 && draft.initiative !== null;
}

function taskProblems({ title, metadata }: Draft['tasks'][number]): string[] {
  const { streamId, dependencies, streamDependencies } = metadataOf(metadata);
  if (streamId === undefined || streamId === null) return [`task ${quoted(title)} has no streamId`];
  const isDeclared = [dependencies, streamDependencies].some(
    (value) => value !== undefined && value !== null,
  );
  return isDeclared ? [] : [`task ${quoted(title)} has no dependencies (an empty list means none)`];
}

/** What can't be read is among the plan's own problems. */
function metadataOf(text: string | null): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
