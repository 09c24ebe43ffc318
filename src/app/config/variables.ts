/** Which environment variable sets which scalar key of the configuration; the one table of that mapping. */

/** A scalar key that a variable or flag can set; `nullable` keys read an empty variable as null. */
export type ScalarKey = {
  readonly path: string;
  readonly variable: string;
  readonly kind: 'text' | 'number' | 'boolean';
};

function scalar(path: string, kind: ScalarKey['kind'] = 'text'): ScalarKey {
  const words = path.replace(/([a-z])([A-Z])/g, '$1_$2').replaceAll('.', '_');
  return { path, variable: `ORCHESTRATE_${words.toUpperCase()}`, kind };
}

/** Every scalar of config.json but `workspace`, whose variable is Task Copilot's WORKSPACE_ID. */
export const SCALAR_KEYS: readonly ScalarKey[] = [
  scalar('baseBranch'),
  scalar('branchPrefix'),
  scalar('maxWorkers', 'number'),
  scalar('pollSeconds', 'number'),
  scalar('staggerMs', 'number'),
  scalar('agent.kind'),
  scalar('agent.command'),
  scalar('agent.mode'),
  scalar('agent.model'),
  scalar('agent.cwd'),
  scalar('agent.permissions'),
  scalar('agent.mcp'),
  scalar('agent.wall'),
  scalar('agent.attended', 'boolean'),
  scalar('agent.remoteControl', 'boolean'),
  scalar('gateConcurrency', 'number'),
  scalar('leftovers'),
  scalar('worktree.root'),
  scalar('worktree.setupTimeoutSeconds', 'number'),
  scalar('worktree.ahead', 'number'),
  scalar('worktree.portBase', 'number'),
  scalar('restart.maxAttempts', 'number'),
  scalar('restart.windowMinutes', 'number'),
  scalar('stallMinutes', 'number'),
  scalar('limits.maxMinutes', 'number'),
  scalar('limits.maxCostUsd', 'number'),
  scalar('landing.auto', 'boolean'),
  scalar('landing.branch'),
  scalar('landing.strategy'),
  scalar('sync'),
  scalar('finishedWindows'),
  scalar('view.minWidth', 'number'),
  scalar('view.minHeight', 'number'),
  scalar('review.command'),
  scalar('notify.tmux', 'boolean'),
  scalar('notify.command'),
  scalar('notify.preset'),
  scalar('notify.secretFile'),
  scalar('notify.answers', 'boolean'),
  scalar('tmux.socket'),
];

/** The text of a variable as the value that the schema then judges; what cannot be read stays text, to be named there. */
export function parseScalar(kind: ScalarKey['kind'], text: string): unknown {
  if (kind === 'number') return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
  if (kind === 'boolean') return { true: true, '1': true, false: false, '0': false }[text.trim()] ?? text;
  return text;
}

/** What of an environment is configuration: has to travel to whatever of ours is started elsewhere. */
export function configVariables(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { variable } of SCALAR_KEYS) {
    const value = env[variable];
    if (value !== undefined) found[variable] = value;
  }
  return found;
}
