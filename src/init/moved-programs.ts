/** Finds the files of ours whose program has moved since `init` wrote them (Node or orchestrate was upgraded), and rewrites those. */
import { accessSync, constants } from 'node:fs';
import { relative } from 'node:path';
import { programsOfLauncher } from '../app/package-root.ts';
import type { ProjectPaths } from '../app/paths.ts';
import type { Project } from '../app/project.ts';
import { isAbsent, isDenied, readIfPresent } from '../files/present.ts';
import type { Change } from './change.ts';
import { keepProgram } from './lasting-place.ts';
import { openManifest } from './manifest.ts';
import { MCP_CONFIG_STEP, programsOfServer } from './mcp-config-step.ts';
import { LAUNCHER_STEPS } from './steps.ts';

/** A file of ours, relative to the project, and the program that it names and that is not there. */
export type MovedProgram = { readonly file: string; readonly program: string };

/** What of launchers and `.mcp.json` names a program that is gone. */
export function movedPrograms(paths: ProjectPaths): readonly MovedProgram[] {
  const launchers = Object.values(paths.launchers).map((file) => ({
    file,
    programs: programsOfLauncher(readIfPresent(file) ?? ''),
  }));
  return [...launchers, { file: paths.mcpConfig, programs: programsOfServer(paths.mcpConfig) }].flatMap(
    ({ file, programs }) => {
      const program = programs.find((each) => !isThere(each));
      return program === undefined ? [] : [{ file: relative(paths.root, file), program }];
    },
  );
}

/** One sentence for the user, and what to type. */
export function movedText(moved: readonly MovedProgram[]): string {
  const programs = [...new Set(moved.map(({ program }) => program))].join(', ');
  return `${moved.map(({ file }) => file).join(', ')}: the program that is named there has moved (${programs})`;
}

/** Writes those again that are still as we wrote them; returns which. The manifest knows them, or (`.mcp.json`) their form. */
export async function mendMovedPrograms(project: Project): Promise<readonly string[]> {
  const moved = new Set(movedPrograms(project.paths).map(({ file }) => file));
  if (moved.size === 0) return [];
  keepProgram();
  const { paths, commonDir } = project;
  const manifest = openManifest(paths.manifest);
  const nowMs = project.now();
  const context = {
    paths,
    commonDir,
    manifest,
    nowMs,
    force: false,
    accepted: null,
    plugin: { command: false, server: false },
    places: { agentCwd: '.', worktreeRoot: '.' },
    worktreeRoot: paths.root,
  };
  const mendable = ({ verb, what }: Change): boolean => verb === 'update' && moved.has(what);
  const changes = [...LAUNCHER_STEPS, MCP_CONFIG_STEP].flatMap((step) => step.plan(context)).filter(mendable);
  try {
    for (const change of changes) await change.apply?.();
  } finally {
    manifest.save();
  }
  return changes.map(({ what }) => what);
}

function isThere(program: string): boolean {
  try {
    accessSync(program, constants.R_OK);
    return true;
  } catch (thrown) {
    if (isAbsent(thrown) || isDenied(thrown)) return false;
    throw thrown;
  }
}
