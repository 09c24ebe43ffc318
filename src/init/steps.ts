/** All parts of `orchestrate init`, in order; a new part is one more entry here. */
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { DEFAULT_CONFIG } from '../app/config/load.ts';
import { templatePath } from '../app/package-root.ts';
import type { ProjectPaths } from '../app/paths.ts';
import { areOwn } from './ask-places.ts';
import { type Change, type InitContext, type InitStep, kept } from './change.ts';
import { DIRECTORY_STEP, EXCLUDE_STEP } from './exclude-step.ts';
import { fileStep, type OwnedFile } from './file-step.ts';
import { keepProgram, lastingLauncher, missingCopy } from './lasting-place.ts';
import { MCP_CONFIG_STEP } from './mcp-config-step.ts';
import { NO_PROPOSALS } from './proposals.ts';
import { SYMLINK_STEP } from './symlink.ts';

const HERE = '-C "$(dirname -- "$0")"';

/** The launchers: each calls the installed command line and holds no logic but where to find it. */
export const LAUNCHER_STEPS: readonly InitStep[] = [
  launcherStep('orchestrate', 'the orchestrate command', '"$@"'),
  launcherStep('checkStreams', 'orchestrate status of this project', `${HERE} status "$@"`),
  launcherStep('watchStatus', 'orchestrate watch of this project', `${HERE} watch "$@"`),
];

/** The program of a plugin, which would go with the plugin's next version. Removal leaves it: other projects may use it. */
const PROGRAM_STEP: InitStep = {
  plan: () => {
    const place = missingCopy();
    if (place === null) return [];
    return [
      { verb: 'create', what: place, note: 'the program, out of the plugin', apply: () => keepProgram() },
    ];
  },
  undo: () => [],
};

export const INIT_STEPS: readonly InitStep[] = [
  EXCLUDE_STEP,
  DIRECTORY_STEP,
  PROGRAM_STEP,
  ...LAUNCHER_STEPS,
  fileStep({ path: ({ paths }) => paths.config, content: wantedConfig, mode: 0o644 }),
  fileStep(templateFile('config.schema.json', (paths) => paths.configSchema)),
  fileStep(templateFile('worker-prompt.md', (paths) => paths.workerPrompt)),
  fileStep(templateFile('ORCHESTRATION_GUIDE.md', (paths) => paths.guide)),
  SYMLINK_STEP,
  unlessOfPlugin(claudeStep(templateFile('commands/orchestrate.md', (paths) => paths.slashCommand))),
  claudeStep({
    ...templateFile('agents/ta.md', (paths) => paths.plannerAgent),
    yields: 'your own planner is used',
  }),
  MCP_CONFIG_STEP,
];

/** What init makes that belongs in the repository, relative to the project. */
export const MEANT_TO_BE_COMMITTED: readonly string[] = [
  '.claude/orchestrator/config.json',
  '.claude/orchestrator/config.schema.json',
  '.claude/orchestrator/worker-prompt.md',
  '.claude/orchestrator/ORCHESTRATION_GUIDE.md',
  '.claude/commands/orchestrate.md',
  '.claude/agents/ta.md',
];

/** A launcher in `.claude/orchestrator`: it calls the installed command line with `words` and holds no logic. */
function launcherStep(which: keyof ProjectPaths['launchers'], does: string, words: string): InitStep {
  return fileStep({
    path: ({ paths }) => paths.launchers[which],
    content: () => lastingLauncher(`"orchestrate init": ${does}`, words),
    mode: 0o755,
  });
}

/** A file copied from `templates/` as it is. */
function templateFile(name: string, pathOf: (paths: ProjectPaths) => string): OwnedFile {
  return {
    path: ({ paths }) => pathOf(paths),
    content: () => readFileSync(templatePath(name), 'utf8'),
    mode: 0o644,
  };
}

/** True when proposals would go into config.json: it isn't there, it is as we wrote it, or it is to be replaced. */
export function takesProposals(context: Omit<InitContext, 'accepted'>): boolean {
  const { paths, manifest, force } = context;
  if (!existsSync(paths.config) || force) return true;
  return manifest.isOurs(relative(paths.root, paths.config), readFileSync(paths.config, 'utf8'));
}

/**
 * The keys that users change first, with the accepted proposals. Null keeps what is there: without accepted proposals an
 * existing file is never rewritten.
 */
function wantedConfig({ accepted, paths, force, places }: InitContext): string | null {
  const { setup, gates } = accepted ?? NO_PROPOSALS;
  const nothing = setup.length === 0 && gates.length === 0 && !areOwn(places);
  if (existsSync(paths.config) && nothing && !force) return null;
  const { agentCwd, worktreeRoot } = places;
  const config = {
    $schema: './config.schema.json',
    maxWorkers: DEFAULT_CONFIG.maxWorkers,
    agent: {
      kind: DEFAULT_CONFIG.agent.kind,
      permissions: DEFAULT_CONFIG.agent.permissions,
      ...(agentCwd === DEFAULT_CONFIG.agent.cwd ? {} : { cwd: agentCwd }),
    },
    gates: gates.map(({ gate }) => gate),
    worktree: {
      ...(worktreeRoot === DEFAULT_CONFIG.worktree.root ? {} : { root: worktreeRoot }),
      setup: setup.map(({ command, cwd }) => (cwd === '.' ? command : { command, cwd })),
      symlink: [],
    },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** A file in a directory that others put files in too: removal takes the directory along only when nothing is left in it. */
function claudeStep(file: OwnedFile): InitStep {
  const step = fileStep(file);
  return {
    ...step,
    undo: (context, before) =>
      step.undo(context, before).map((change) => ({
        ...change,
        apply: removingDirectory(change, dirname(file.path(context))),
      })),
  };
}

/** The plugin brings the same command; one that is there already may be committed, for others who have no plugin. */
function unlessOfPlugin(step: InitStep): InitStep {
  const plan: InitStep['plan'] = (context) =>
    step.plan(context).map((change) => {
      const leaveOut = context.plugin.command && change.verb === 'create';
      return leaveOut ? kept(change.what, 'left out: the orchestrate plugin brings /orchestrate') : change;
    });
  return { ...step, plan };
}

function removingDirectory({ verb, apply }: Change, directory: string): Change['apply'] {
  if (verb !== 'remove' || apply === null) return apply;
  return async () => {
    await apply();
    if (existsSync(directory) && readdirSync(directory).length === 0) rmdirSync(directory);
  };
}
