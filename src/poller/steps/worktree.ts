/** Gets a stream's worktree ready to work in: made or mended, furnished, and set up once by the configured commands. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setupCommands } from '../../app/config/load.ts';
import { setUpNote } from '../../app/paths.ts';
import { EXIT, messageOf, OrchestrateError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { RENORMALISE } from '../../core/shell-word.ts';
import type { StreamRecord } from '../../core/types.ts';
import { readIfPresent } from '../../files/present.ts';
import { replaceFile } from '../../files/replace-file.ts';
import type { BornDirty } from '../../git/types.ts';
import { commandEnvironment } from '../../worker/environment.ts';
import { setupDirectory, watchSetup } from './git-config.ts';
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
  // The branch's own log says as well that it is ours, from its making on; but logs expire.
  const found = existsSync(record.worktree);
  const outcome = await ports.git.ensureWorktree({
    path: record.worktree,
    branch: record.branch,
    baseSha,
    key: record.key,
    ours: record.branchMade,
  });
  if (!record.branchMade) ports.state.patchStream(record.key, { branchMade: true });
  setupDirectory(ports);
  const marker = setUpNote(ports.paths, record.key);
  if (outcome === 'reused' && existsSync(marker)) return;
  // What an agent left there is not from birth, nor made by set-up.
  const fresh = !found || record.runs.every(({ claimedAtMs }) => claimedAtMs === null);
  const made = fresh
    ? await setUpFresh(step, record, run, { baseSha, again: found })
    : await furnishAndSetUp(step, setUpPlace(step, record, run, baseSha)).then(() => readIfPresent(marker));
  replaceFile(marker, made ?? '', 0o600);
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
  const { git, config } = step.ports;
  const { symlink } = config.worktree;
  const warnings = await git.furnishWorktree({ path: place.worktree, symlink });
  for (const warning of warnings) place.tell('warning', warning);
  await runSetup(step, place);
}

function setUpPlace(step: Step, record: StreamRecord, run: number, baseSha: string): SetUpPlace {
  return {
    ...record,
    run,
    env: commandEnvironment(step.ports, record, run, baseSha),
    tell: (kind, message) => note(step, record.key, run, kind, message),
  };
}

/**
 * Sets up a worktree that no agent was in yet, and notes what is from birth; returns what set-up made. With `again`, after
 * one that failed, somebody may have worked there in between: that is neither.
 */
async function setUpFresh(
  step: Step,
  record: StreamRecord,
  run: number,
  { baseSha, again }: { readonly baseSha: string; readonly again: boolean },
): Promise<string> {
  const { git, config } = step.ports;
  const { worktree } = record;
  const { disposable } = config.worktree;
  const dirty = again ? await git.dirtyFiles(worktree) : [];
  const before = again ? await git.noteMade(worktree, disposable) : null;
  try {
    await furnishAndSetUp(step, setUpPlace(step, record, run, baseSha));
  } catch (error) {
    // What it left is its own doing still when it is tried again.
    await git.noteBornDirty(worktree, dirty).catch((also: unknown) => {
      throw new AggregateError([error, also], messageOf(error));
    });
    throw error;
  }
  sayBirth(step, record, run, await git.noteBornDirty(worktree, dirty));
  return git.noteMade(worktree, disposable, before);
}

const NAMED = 5;

/** Says what the worktree is dirty with before its agent begins. */
function sayBirth(step: Step, record: StreamRecord, run: number, { repository, setup }: BornDirty): void {
  const listed = (names: readonly string[]): string => {
    const more = names.length - NAMED;
    return `${printable(names.slice(0, NAMED).join(', '))}${more > 0 ? ` and ${more} more` : ''}`;
  };
  if (repository.length > 0) {
    const why = `every checkout of this repository shows ${listed(repository)} as modified (line endings, filters or modes)`;
    note(
      step,
      record.key,
      run,
      'born-dirty',
      `${why}; it does not count against the stream; to end it, ${RENORMALISE}`,
    );
  }
  if (setup.length > 0) {
    const what = `set-up leaves uncommitted ${listed(setup)}`;
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
