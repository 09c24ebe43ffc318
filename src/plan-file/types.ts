/** What reading a plan file yields: the plan, or where and why it is not one. */
import type { PlanInput } from '../core/plan/plan-input.ts';

/** One thing wrong with a plan file. */
export type PlanFileProblem = {
  /** Counted from 1; null where no line is to blame. */
  readonly line: number | null;
  /** Where in the plan, e.g. `streams[0].tasks[2].title`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
};

export type PlanFileResult =
  | { readonly ok: true; readonly plan: PlanInput }
  | { readonly ok: false; readonly problems: readonly PlanFileProblem[] };
