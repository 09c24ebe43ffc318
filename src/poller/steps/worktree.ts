/** Gets a stream's worktree ready to work in: made or mended, furnished, and set up once by the configured commands. */
import { existsSync, rmSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { setupCommands } from '../../app/config/load.ts';
import { setUpDir, setUpNote } from '../../app/paths.ts';
import { EXIT, messageOf, OrchestrateError } from '../../core/errors.ts';
import { listed } from '../../core/printable.ts';
import { RENORMALISE } from '../../core/shell-word.ts';
import type { Ahead, StreamRecord } from '../../core/types.ts';
import { readIfPresent } from '../../files/present.ts';
import { replaceFile } from '../../files/replace-file.ts';
import type { BornDirty } from '../../git/types.ts';
import { commandEnvironment } from '../../worker/environment.ts';
import { watchSetup } from './git-config.ts';
import type { Step } from './step.ts';
import { howItEnded, note, privateDirectory, runCommand } from './step.ts';

/** Makes the worktree ready for run `run`; throws with the log's name when a setup command fails, an AbortError when broken off. */
export async function prepareWorktree(
  step: Step,
  record: StreamRecord,
  run: number,
  baseSha: string,
): Promise<void> {
  const { ports } = step;
  const marker = setUpNote(ports.paths, record.key);
  const former = readIfPresent(marker);
  const ahead = record.ahead?.path === record.worktree ? record.ahead : null;
  // From here on it counts as not set up, whatever is cut off.
  if (ahead !== null && !(await isSetUpFor(ports, ahead, baseSha))) rmSync(marker, { force: true });
  // The branch's own log says as well that it is ours, from its making on; but logs expire.
  const found = existsSync(record.worktree);
  const outcome = await ensureWorktree(ports, record, ahead, baseSha);
  if (outcome !== 'created' && outcome !== 'repaired' && existsSync(marker)) {
    if (outcome === 'taken over') await refurnish(ports, toSetUp(step, record, run, baseSha));
    return;
  }
  // What an agent left there is not from birth, nor made by set-up.
  if (!found || record.runs.every(({ claimedAtMs }) => claimedAtMs === null))
    return setUpAgain(step, record, run, { baseSha, again: found, former });
  privateDirectory(setUpDir(ports.paths));
  await furnishAndSetUp(step, toSetUp(step, record, run, baseSha));
  replaceFile(marker, readIfPresent(marker) ?? '', 0o600);
}

async function ensureWorktree(
  { git, state }: Step['ports'],
  { key, worktree: path, branch, branchMade: ours }: StreamRecord,
  ahead: Ahead | null,
  baseSha: string,
): ReturnType<Step['ports']['git']['ensureWorktree']> {
  const aheadBases = ahead?.bases ?? [];
  const outcome = await git.ensureWorktree({ path, branch, baseSha, key, ours, aheadBases });
  if (ahead !== null) state.patchStream(key, { branchMade: true, ahead: null });
  else if (!ours) state.patchStream(key, { branchMade: true });
  return outcome;
}

/** How a worktree is set up that no agent was in yet; `again`: somebody else may have been; `former`: the note of a set-up before. */
type SetUp = { readonly baseSha: string; readonly again: boolean; readonly former: string | null };

/** Sets up a worktree that no agent was in yet, and notes that this was done. */
export async function setUpAgain(step: Step, record: StreamRecord, run: number, how: SetUp): Promise<void> {
  privateDirectory(setUpDir(step.ports.paths));
  const made = await setUpFresh(step, record, run, how);
  replaceFile(setUpNote(step.ports.paths, record.key), made, 0o600);
}

/** Lockfiles, manifests and the like, by the names that they usually have. */
const INPUTS =
  /^(package(-lock)?\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-(lock|workspace)\.yaml|bun\.lockb?|deno\.(lock|jsonc?)|\.npmrc|\.yarnrc(\.yml)?|(requirements|constraints).*\.(txt|in)|pyproject\.toml|(poetry|uv|pdm)\.lock|Pipfile(\.lock)?|setup\.(py|cfg)|environment\.ya?ml|Gemfile(\.lock)?|.*\.gemspec|composer\.(json|lock)|go\.(mod|sum|work)|Cargo\.(toml|lock)|mix\.(exs|lock)|pubspec\.(yaml|lock)|Package\.(swift|resolved)|Podfile(\.lock)?|(build|settings)\.gradle(\.kts)?|gradle\.lockfile|libs\.versions\.toml|pom\.xml|packages\.lock\.json|.*\.(cs|fs|vb)proj|Directory\.(Build|Packages)\.props|flake\.(nix|lock)|\.gitmodules|\.tool-versions|\.(nvmrc|(node|python|ruby|java)-version)|rust-toolchain(\.toml)?|mise\.toml)$/;

/**
 * True when what set-up did on the commit that it was done on holds on another one: no file that it depends on differs, be it
 * by its name or by the configuration, no submodule, and nothing that a command names.
 */
export async function isSetUpFor(
  { git, config }: Pick<Step['ports'], 'git' | 'config'>,
  { setUp }: Pick<Ahead, 'setUp'>,
  sha: string,
): Promise<boolean> {
  const commands = setupCommands(config);
  if (setUp === null || setUp === sha || commands.length === 0) return setUp !== null;
  const inputs = config.worktree.setupInputs;
  const [files, named] = await Promise.all([
    git.differing(setUp, sha),
    inputs === null || inputs.length === 0 ? [] : git.differing(setUp, sha, inputs),
  ]);
  const isNamed = (path: string): boolean =>
    commands.some(({ command, cwd }) => command.includes(path) || command.includes(relative(cwd, path)));
  return (
    named.length === 0 &&
    !files.some(
      ({ path, submodule }) => submodule || (inputs === null && INPUTS.test(basename(path))) || isNamed(path),
    )
  );
}

/**
 * Asks, while a stream is checked, what its head changes for the set-ups of those that will start from it: their launches then
 * have the answer.
 */
export async function foreseeSetUps(
  { ports, snapshot }: Step,
  { key, streamId }: StreamRecord,
): Promise<void> {
  const head = snapshot.heads.known ? snapshot.heads.value.get(key) : undefined;
  const next = snapshot.plan.streams.filter(
    ({ dependencies }) => dependencies.length === 1 && dependencies[0] === streamId,
  );
  const made = next.flatMap(({ id }) => snapshot.records.get(snapshot.keys.get(id) ?? '')?.ahead ?? []);
  if (head !== undefined) await Promise.all(made.map((ahead) => isSetUpFor(ports, ahead, head)));
}

/** A worktree to be set up, for a stream's run or (`run`: null) for the gates of a landing. */
export type SetUpPlace = Pick<StreamRecord, 'key' | 'initiativeId' | 'worktree'> & {
  readonly run: number | null;
  /** What the commands run with. */
  readonly env: Readonly<Record<string, string>>;
  readonly tell: (kind: 'setup' | 'warning', message: string) => void;
};

/** Copies and links what a worktree lacks, then runs the configured commands in it. Throws as `prepareWorktree` does. */
export async function furnishAndSetUp(step: Pick<Step, 'ports' | 'abort'>, place: SetUpPlace): Promise<void> {
  await refurnish(step.ports, place);
  await runSetup(step, place);
}

/** Copies and links what a worktree lacks, and brings copies up to date that nobody has changed since they were made. */
export async function refurnish(
  { git, config }: Pick<Step['ports'], 'git' | 'config'>,
  place: SetUpPlace,
): Promise<void> {
  const { symlink } = config.worktree;
  const warnings = await git.furnishWorktree({ path: place.worktree, symlink });
  for (const warning of warnings) place.tell('warning', warning);
}

/** The stream's worktree as a place to be set up. */
export function toSetUp(step: Step, record: StreamRecord, run: number, baseSha: string): SetUpPlace {
  return {
    ...record,
    run,
    env: commandEnvironment(step.ports, record, run, baseSha),
    tell: (kind, message) => note(step, record.key, run, kind, message),
  };
}

/**
 * Sets up a worktree that no agent was in yet, and notes what is from birth; returns what set-up made. With `again`, after
 * one that failed or that does not hold any more, somebody may have worked there in between: that is neither.
 */
async function setUpFresh(
  step: Step,
  record: StreamRecord,
  run: number,
  { baseSha, again, former }: SetUp,
): Promise<string> {
  const { git, config } = step.ports;
  const { worktree } = record;
  const { disposable } = config.worktree;
  const dirty = again ? await git.dirtyFiles(worktree) : [];
  const before = again ? await git.noteMade(worktree, disposable, { former }) : null;
  try {
    await furnishAndSetUp(step, toSetUp(step, record, run, baseSha));
  } catch (error) {
    // What it left is its own doing still when it is tried again.
    await git.noteBornDirty(worktree, dirty).catch((also: unknown) => {
      throw new AggregateError([error, also], messageOf(error));
    });
    throw error;
  }
  sayBirth(step, record, run, await git.noteBornDirty(worktree, dirty));
  return git.noteMade(worktree, disposable, { before });
}

/** Says what the worktree is dirty with before its agent begins. */
function sayBirth(step: Step, record: StreamRecord, run: number, { repository, setup }: BornDirty): void {
  if (repository.length > 0) {
    const why = `every checkout of this repository shows ${listed(repository, { most: 5 })} as modified (line endings, filters or modes)`;
    note(
      step,
      record.key,
      run,
      'born-dirty',
      `${why}; it does not count against the stream; to end it, on the base branch: ${RENORMALISE}`,
    );
  }
  if (setup.length > 0) {
    const what = `set-up leaves uncommitted ${listed(setup, { most: 5 })}`;
    note(
      step,
      record.key,
      run,
      'born-dirty',
      `${what}; it does not count against the stream; .gitignore would hide it`,
    );
  }
}

async function runSetup(step: Pick<Step, 'ports' | 'abort'>, place: SetUpPlace): Promise<void> {
  const { ports } = step;
  const { setupTimeoutSeconds } = ports.config.worktree;
  const log = join(privateDirectory(join(ports.paths.logsDir, 'setup')), `${place.key}.log`);
  const watch = watchSetup(ports, place);
  for (const { command, cwd } of setupCommands(ports.config)) {
    const where = cwd === '.' ? '' : ` (in ${cwd})`;
    place.tell('setup', `setup: ${command}${where}`);
    const ended = await runCommand(step, {
      command,
      cwd: join(place.worktree, cwd),
      env: { ...place.env, ...watch.env },
      log,
      timeoutMs: setupTimeoutSeconds * 1000,
    });
    await watch.done();
    if (ended.exitCode === 0) continue;
    throw new OrchestrateError(
      EXIT.environment,
      `setup command "${command}" ${howItEnded(ended, setupTimeoutSeconds)}, log: ${log}`,
      `read ${log}`,
    );
  }
  watch.forget();
}
