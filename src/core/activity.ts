/** An agent of which nothing is known: what every reading of an activity starts from. */
import type { AgentActivity } from './types.ts';

export const UNKNOWN_ACTIVITY: AgentActivity = {
  status: 'unknown',
  sinceMs: null,
  detail: null,
  remedy: null,
  untilMs: null,
  settlesAtMs: null,
  lastSignAtMs: null,
  inferred: false,
  dialog: null,
  account: false,
  doing: null,
  sessionId: null,
  hookTrouble: null,
};
