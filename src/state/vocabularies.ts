/** The words that columns of names may hold, each set once: the compiler asks for every one that is added. */
import type { LandingStrategy } from '../core/landing-types.ts';
import {
  AGENT_KINDS,
  type Intent,
  type Run,
  type RunOutcome,
  type Trouble,
  type Verdict,
} from '../core/run-types.ts';

export const STEPS: Readonly<Record<Trouble['kind'], true>> = {
  adopt: true,
  launch: true,
  verify: true,
  sync: true,
  nudge: true,
  'end-run': true,
  prepare: true,
  discard: true,
};
export const INTENTS: Readonly<Record<Intent, true>> = { none: true, stopped: true, parked: true };
export const OUTCOMES: Readonly<Record<RunOutcome, true>> = {
  done: true,
  failed: true,
  stopped: true,
  interrupted: true,
  limited: true,
  denied: true,
  closed: true,
};
export const CAUSES: Readonly<Record<NonNullable<Verdict['cause']>, true>> = {
  dirty: true,
  'no-commits': true,
  'off-branch': true,
  'operation-in-progress': true,
  'missing-parents': true,
  unshared: true,
  gate: true,
  'gate-void': true,
  'worktree-missing': true,
  tampered: true,
};
export const STRATEGIES: Readonly<Record<LandingStrategy, true>> = {
  merge: true,
  squash: true,
  rebase: true,
};
export const KINDS = Object.fromEntries(AGENT_KINDS.map((kind) => [kind, true])) as Record<
  Run['agentKind'],
  true
>;
