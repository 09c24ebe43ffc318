/** What Claude Code has of our plugin in a project: by its settings, of which the nearest decides, and by its list of what is installed. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fieldsOf, parseObject, stringOf } from '../../core/json-fields.ts';
import { readIfPresent } from '../../files/present.ts';
import { MCP_NAME } from '../run-files.ts';
import { claudePaths } from './claude-paths.ts';

const NAME = 'orchestrate';

/** What an enabled and installed plugin of our name, of whichever marketplace, brings: `/orchestrate`, and Task Copilot's server. */
type PluginParts = { readonly command: boolean; readonly server: boolean };

/** The parts that are there; none also when that cannot be read. */
export function pluginParts(
  projectRoot: string,
  env: Readonly<Record<string, string | undefined>>,
): PluginParts {
  const { settings } = claudePaths(env);
  const nearestFirst = [
    ...['settings.local.json', 'settings.json'].map((name) => join(projectRoot, '.claude', name)),
    settings,
  ];
  const enabled = Object.assign(
    {},
    ...nearestFirst.reverse().map((file) => fieldsOf(recordAt(file)['enabledPlugins'])),
  );
  const installed = fieldsOf(
    recordAt(join(dirname(settings), 'plugins', 'installed_plugins.json'))['plugins'],
  );
  const places = Object.entries(enabled)
    .filter(([id, on]) => on === true && id.split('@')[0] === NAME)
    .flatMap(([id]) => installPlaces(installed[id]));
  return {
    command: places.some((place) => existsSync(join(place, 'skills', NAME, 'SKILL.md'))),
    server: places.some(
      (place) => fieldsOf(recordAt(join(place, '.mcp.json'))['mcpServers'])[MCP_NAME] !== undefined,
    ),
  };
}

function recordAt(file: string): Readonly<Record<string, unknown>> {
  return parseObject(readIfPresent(file) ?? '') ?? {};
}

/** Seen of Claude Code 2.1: a list of installations, each with its `installPath`. */
function installPlaces(installations: unknown): readonly string[] {
  if (!Array.isArray(installations)) return [];
  const places: readonly unknown[] = installations;
  return places.map((each) => stringOf(fieldsOf(each)['installPath'])).filter((place) => place !== null);
}
