/** Whether Claude Code has our plugin in a project: by its settings, of which the nearest decides, and by its list of what is installed. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readIfPresent } from '../../files/present.ts';
import { parseRecord, recordOf, stringOf } from '../json.ts';
import { claudePaths } from './claude-paths.ts';

const NAME = 'orchestrate';

/** True when an enabled and installed plugin, of whichever marketplace, brings `/orchestrate`; false also when it cannot be read. */
export function hasPlugin(projectRoot: string, env: Readonly<Record<string, string | undefined>>): boolean {
  const { settings } = claudePaths(env);
  const nearestFirst = [
    ...['settings.local.json', 'settings.json'].map((name) => join(projectRoot, '.claude', name)),
    settings,
  ];
  const enabled = Object.assign(
    {},
    ...nearestFirst.reverse().map((file) => recordOf(recordAt(file)['enabledPlugins'])),
  );
  const installed = recordOf(
    recordAt(join(dirname(settings), 'plugins', 'installed_plugins.json'))['plugins'],
  );
  return Object.entries(enabled).some(
    ([id, on]) => on === true && id.split('@')[0] === NAME && bringsSkill(installed[id]),
  );
}

function recordAt(file: string): Readonly<Record<string, unknown>> {
  return parseRecord(readIfPresent(file) ?? '') ?? {};
}

/** Seen of Claude Code 2.1: a list of installations, each with its `installPath`. */
function bringsSkill(installations: unknown): boolean {
  return (
    Array.isArray(installations) &&
    installations
      .map((each) => stringOf(recordOf(each)['installPath']))
      .some((place) => place !== null && existsSync(join(place, 'skills', NAME, 'SKILL.md')))
  );
}
