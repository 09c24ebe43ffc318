/** Refuses git work once settings that make git run programs were changed after the first worker started. */

import type { Ports } from '../../app/ports.ts';
import { EXIT, OrchestrateError } from '../../core/errors.ts';

type Settings = Readonly<Record<string, string>>;

/** Names of settings that differ between two readings. */
function changedNames(before: Settings, now: Settings): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].filter((name) => before[name] !== now[name]).sort();
}

/**
 * Keeps the executable settings (filters, merge drivers, …) as they were before the first worker, and throws exit 5 naming
 * those that a later reading finds changed: a worker can write them, and git would run them for us.
 */
export async function refuseChangedGitConfig(ports: Pick<Ports, 'git' | 'state'>): Promise<void> {
  const now = await ports.git.executableConfig();
  const before = ports.state.gitConfig();
  if (before === null) {
    ports.state.setGitConfig(now);
    return;
  }
  const changed = changedNames(before, now);
  if (changed.length === 0) return;
  throw new OrchestrateError(
    EXIT.refused,
    `git settings that run programs were changed since the first worker started: ${changed.join(', ')}`,
    'undo the change, or accept it with: orchestrate start --accept-git-config',
  );
}

/** Takes the settings as they are now for the new reference. */
export async function acceptGitConfig(ports: Pick<Ports, 'git' | 'state'>): Promise<void> {
  ports.state.setGitConfig(await ports.git.executableConfig());
}
