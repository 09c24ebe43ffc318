/** Finds the program a configured command means, and has the checks that agents share; runs nothing. */
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { isAbsent, isDenied } from '../files/present.ts';
import type { AgentCheck, AgentSettings } from './port.ts';

/**
 * Absolute path of `command`: looked up in `searchPath` (as PATH is written), or, when it holds a slash, taken as a path
 * relative to `root`. Null when there is no such executable file.
 */
export function findCommand(command: string, searchPath: string, root: string): string | null {
  const candidates = command.includes('/')
    ? [path.resolve(root, command)]
    : searchPath
        .split(path.delimiter)
        .filter((directory) => directory !== '')
        .map((directory) => path.resolve(root, directory, command));
  return candidates.find(isExecutable) ?? null;
}

/** The check that a command which cannot be found fails; `what` is to be installed. */
export function missingCommand(command: string, what = 'it'): AgentCheck {
  const fix = `install ${what}, or set "agent.command" in .claude/orchestrator/config.json`;
  return { name: 'agent', level: 'fail', message: `command not found: ${command}`, fix };
}

/** The check that fails when a wall is asked for that this agent does not have; none otherwise. */
export function checkNoWall(name: string, wall: string | null): AgentCheck[] {
  if (wall === null || wall === 'none') return [];
  const message = `"agent.wall" is "${wall}", which ${name} does not have here`;
  return [{ name: 'wall', level: 'fail', message, fix: 'set "agent.wall" to "none" in config.json' }];
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch (thrown) {
    if (isAbsent(thrown) || isDenied(thrown)) return false;
    throw thrown;
  }
}

/** The warning for an agent that asks before nothing; none for any other. */
export function checkUnasked(permissions: AgentSettings['permissions']): AgentCheck[] {
  const message = 'agents run any command without asking';
  return permissions === 'bypass' ? [{ name: 'permissions', level: 'warn', message, fix: null }] : [];
}
