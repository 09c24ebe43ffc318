/** `orchestrate init`: sets the repository up, or takes away again what it set up. */
import { existsSync, realpathSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { pluginParts } from '../agent/create-agent.ts';
import { type Config, DEFAULT_CONFIG } from '../app/config/load.ts';
import { openProject, type Project } from '../app/project.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { shellWord } from '../core/shell-word.ts';
import { forgetProject, rememberProject } from '../git/find-project.ts';
import { askPlaces, directoryIn } from '../init/ask-places.ts';
import type { Change, InitContext } from '../init/change.ts';
import { forgetUser, keepProgram, noteUser, ownCopy, removeUnusedCopies } from '../init/lasting-place.ts';
import { openManifest } from '../init/manifest.ts';
import { accept, propose } from '../init/proposals.ts';
import { missingRequiredFiles } from '../init/required-files.ts';
import { INIT_STEPS, MEANT_TO_BE_COMMITTED, takesProposals } from '../init/steps.ts';
import type { CommandModule, Flags } from './definition.ts';
import type { Io } from './io.ts';

export const run: CommandModule['run'] = async (_args, flags, io) => {
  const project = openProject(io);
  try {
    return flags['remove'] === true ? await remove(project, flags, io) : await setUp(project, flags, io);
  } finally {
    project.close();
  }
};

async function setUp(project: Project, flags: Flags, io: Io): Promise<number> {
  const { context, passedOver } = await prepare(project, flags, io);
  const changes = INIT_STEPS.flatMap((step) => step.plan(context));
  await carryOut(changes, context, flags, io);
  const unused = flags['dry-run'] === true ? [] : settle(project);
  if (io.json) return EXIT.ok;
  const written = changes.some(
    ({ verb, what }) => what.endsWith('/config.json') && verb !== 'unchanged' && verb !== 'keep',
  );
  if (written) sayTaken(context.accepted, io);
  for (const place of unused) io.print(`remove ${place} (an earlier program that no project uses)`);
  sayPassedOver(passedOver, 'without --yes', io);
  if (flags['dry-run'] !== true) await sayWhatIsNext(project, changes, io);
  return EXIT.ok;
}

/** Makes known that the project is set up, by which program; returns which copies of earlier ones went with that. */
function settle(project: Project): readonly string[] {
  rememberProject(project);
  noteUser({ root: project.root, commonDir: project.commonDir }, project.env);
  // Another init may have found that nobody names it, before our files did.
  keepProgram(project.env);
  return removeUnusedCopies(project.env);
}

/** Looks at the project and asks about what could go into its configuration; `brief`: not about what has a good default. */
async function prepare(
  project: Project,
  flags: Flags,
  io: Io,
  brief = false,
): Promise<{ context: InitContext; passedOver: readonly string[] }> {
  const config = currentConfig(project, flags);
  const base = baseContext(project, config, flags);
  const asker = { interactive: io.interactive, yes: flags['yes'] === true, ask: io.ask };
  if (!takesProposals(base)) return { context: { ...base, accepted: null }, passedOver: [] };
  const from = directoryIn(project.root, io.cwd, config.worktree.root);
  const proposed = propose(project.root, await absentHooks(project), from);
  const places = await askPlaces(
    from,
    config,
    project.paths,
    brief ? { ...asker, interactive: false } : asker,
  );
  const { accepted, passedOver } = await accept(proposed, config, asker);
  const worktreeRoot = resolve(project.root, places.worktreeRoot);
  const starts = from === '.' || places.agentCwd !== '.' || io.interactive ? [] : [`agents start in ${from}`];
  return { context: { ...base, places, worktreeRoot, accepted }, passedOver: [...passedOver, ...starts] };
}

/** A directory of hooks that worktrees will not have; null before there is a commit. */
async function absentHooks({ root, commonDir }: Project): Promise<string | null> {
  const { createGit } = await import('../git/git.ts');
  const git = createGit({ root, commonDir });
  const head = await git.resolve('HEAD');
  return head === null ? null : (await git.absentInWorktrees(head)).hooks;
}

/** Throws what setting up would throw, before anything else is done; makes nothing. */
export function checkSetUp(project: Project): void {
  const context = { ...baseContext(project, project.config(), {}), accepted: null };
  for (const step of INIT_STEPS) step.plan(context);
}

/** Sets the project up as `init` does, saying only what was kept or not taken, and that it is done. */
export async function setUpQuietly(project: Project, io: Io): Promise<void> {
  const { context, passedOver } = await prepare(project, {}, io, true);
  const changes = INIT_STEPS.flatMap((step) => step.plan(context));
  await apply(changes, context);
  settle(project);
  if (io.json) return;
  for (const { verb, what, note } of changes) if (verb === 'keep') io.print(`keep ${what} (${note})`);
  sayPassedOver(passedOver, '(orchestrate init --yes takes it)', io);
  confirm(project, changes, io);
}

async function remove(project: Project, flags: Flags, io: Io): Promise<number> {
  await checkNothingRuns(project);
  const context: InitContext = {
    ...baseContext(project, currentConfig(project, flags), flags),
    accepted: null,
  };
  const left = await takeLeaveOf(project, context.worktreeRoot, flags['dry-run'] !== true);
  const changes: Change[] = [];
  for (const step of [...INIT_STEPS].reverse()) changes.push(...step.undo(context, changes));
  await carryOut(changes, context, flags, io, { left });
  if (flags['dry-run'] !== true) {
    forgetProject(project);
    forgetUser(project.root, project.env);
  }
  if (!io.json) for (const line of left) io.print(line);
  return EXIT.ok;
}

/** Our memory goes when nothing of ours is left in git; else that is named. */
async function takeLeaveOf(
  project: Project,
  worktreeRoot: string,
  forget: boolean,
): Promise<readonly string[]> {
  const [{ createGit }, { takeLeave }] = await Promise.all([
    import('../git/git.ts'),
    import('../operator/remains.ts'),
  ]);
  const { root, commonDir, paths } = project;
  const git = createGit({ root, commonDir });
  return takeLeave({ paths, git, state: await project.openState(), worktreeRoot }, forget);
}

/** Keeps the files from being taken away under living workers: throws exit 5 while a run of this project is open. */
async function checkNothingRuns(project: Project): Promise<void> {
  const state = await project.openState();
  if (state === null || !state.hasOpenRuns()) return;
  throw new OrchestrateError(
    EXIT.refused,
    'agents of this project are still at work',
    'orchestrate stop && orchestrate init --remove',
  );
}

/** With `--force` a broken config.json doesn't matter: it is going to be replaced. */
function currentConfig(project: Project, flags: Flags): Config {
  return flags['force'] === true ? DEFAULT_CONFIG : project.config();
}

function baseContext(project: Project, config: Config, flags: Flags): Omit<InitContext, 'accepted'> {
  const { root, commonDir, paths } = project;
  return {
    paths,
    commonDir,
    force: flags['force'] === true,
    plugin: pluginParts(root, project.env),
    nowMs: project.now(),
    manifest: openManifest(paths.manifest),
    places: { agentCwd: config.agent.cwd, worktreeRoot: config.worktree.root },
    worktreeRoot: resolve(root, config.worktree.root),
  };
}

/** Shows the changes and, unless `--dry-run`, makes them. */
async function carryOut(
  changes: readonly Change[],
  context: InitContext,
  flags: Flags,
  io: Io,
  more: { readonly left?: readonly string[] } = {},
): Promise<void> {
  const dryRun = flags['dry-run'] === true;
  show(changes, dryRun, io, more);
  if (!dryRun) await apply(changes, context);
}

async function apply(changes: readonly Change[], { manifest }: InitContext): Promise<void> {
  try {
    for (const change of changes) await change.apply?.();
  } finally {
    manifest.save();
  }
}

function show(
  changes: readonly Change[],
  dryRun: boolean,
  io: Io,
  more: { readonly left?: readonly string[] },
): void {
  if (io.json) {
    const shown = changes.map(({ verb, what, note }) => ({ verb, what, note }));
    io.print(JSON.stringify({ schemaVersion: 1, dryRun, changes: shown, ...more }));
    return;
  }
  const visible = io.verbose ? changes : changes.filter(({ verb }) => verb !== 'unchanged');
  for (const { verb, what, note } of visible) {
    io.print(`${dryRun ? 'would ' : ''}${verb} ${what}${note === null ? '' : ` (${note})`}`);
  }
  if (visible.length === 0) io.print('nothing to do');
}

/** Which gate was chosen, and why: it decides what counts as done. */
function sayTaken(accepted: InitContext['accepted'], io: Io): void {
  for (const { gate, because } of accepted?.gates ?? [])
    io.print(
      `• gate "${gate.name}": ${gate.command} (found in ${because}); a stream is done only when it passes`,
    );
}

/** `how`: what would have it taken. */
function sayPassedOver(passedOver: readonly string[], how: string, io: Io): void {
  if (passedOver.length > 0) io.print(`• proposed, not taken ${how}: ${passedOver.join(', ')}`);
}

async function sayWhatIsNext(project: Project, changes: readonly Change[], io: Io): Promise<void> {
  confirm(project, changes, io);
  io.print('');
  const names = MEANT_TO_BE_COMMITTED.filter((name) => existsSync(join(project.root, name)));
  const ignored = await ignoresAny(project, names);
  if (typeof ignored === 'boolean') {
    const typed = names.map((name) => shellWord(typedPath(project, name, io)));
    io.print('Meant to be committed:');
    io.print(`  git add ${ignored ? '-f ' : ''}${typed.join(' ')}`);
  } else io.print(`What is meant to be committed cannot be: ${ignored.message}`);
  io.print('Next: orchestrate generate, or orchestrate import plan.yaml; then orchestrate start');
  if (ownCopy(project.env) !== null)
    io.print(
      'In a terminal, where the plugin has no command, type .claude/orchestrator/orchestrate for orchestrate',
    );
}

/** A path of the project as it is typed in the directory of the caller. */
function typedPath({ root }: Project, name: string, io: Io): string {
  return relative(realpathSync(io.cwd), join(root, name));
}

/** True when git ignores one of the files, so that adding it takes `-f`; what keeps git from adding them at all (a symbolic link). */
async function ignoresAny(
  { root, commonDir }: Project,
  names: readonly string[],
): Promise<boolean | OrchestrateError> {
  const { createGit } = await import('../git/git.ts');
  try {
    return (await createGit({ root, commonDir }).ignored(names)).length > 0;
  } catch (error) {
    if (error instanceof OrchestrateError) return error;
    throw error;
  }
}

/** The two lines that say what is there now. */
function confirm(project: Project, changes: readonly Change[], io: Io): void {
  if (missingRequiredFiles(project.paths).length === 0) {
    io.print(`✓ Orchestrator files created in ${typedPath(project, '.claude/orchestrator', io)}/`);
  }
  const symlinkKept = changes.some(({ verb, what }) => verb === 'keep' && what === 'watch-status');
  const typed = typedPath(project, 'watch-status', io);
  if (!symlinkKept) io.print(`✓ Symlink created: ${typed.includes('/') ? typed : `./${typed}`}`);
}
