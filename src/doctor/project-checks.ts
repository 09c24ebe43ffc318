/** Checks of the project: our files in it, the directories we write to, configuration, workspace, plan store and state. */

import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { findCommand } from '../agent/find-command.ts';
import type { Project } from '../app/project.ts';
import { NO_PLAN } from '../core/plan/plan.ts';
import { plural } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';
import { isAbsent, isDenied } from '../files/present.ts';
import { movedPrograms, movedText } from '../init/moved-programs.ts';
import { missingRequiredFiles } from '../init/required-files.ts';
import { attempt, type CheckResult, failed, ok } from './tool-checks.ts';

/** The files that `start` asks for. */
export function checkFiles({ paths }: Project): CheckResult {
  const missing = missingRequiredFiles(paths);
  if (missing.length === 0) return ok('files', 'the files of .claude/orchestrator are there');
  return { name: 'files', level: 'fail', message: `missing: ${missing.join(', ')}`, fix: 'orchestrate init' };
}

/** The programs that launchers and `.mcp.json` name, which move with an upgrade. */
export function checkLaunchers({ paths }: Project): CheckResult {
  const moved = movedPrograms(paths);
  if (moved.length === 0) return ok('launchers', 'the programs that they name are there');
  return { name: 'launchers', level: 'warn', message: movedText(moved), fix: 'orchestrate init' };
}

/** Directories we must be able to write, and files that nobody else should read. */
export function checkPermissions(project: Project): CheckResult {
  const { paths, commonDir } = project;
  const unwritable = [commonDir, paths.root, nearestExisting(paths.orchestratorDir)].filter(
    (path) => !isWritable(path),
  );
  if (unwritable.length > 0) {
    const [path = ''] = unwritable;
    return {
      name: 'directories',
      level: 'fail',
      message: `cannot write to ${unwritable.join(', ')} (make yours what belongs to another)`,
      fix: `chmod u+rwx ${shellWord(path)}`,
    };
  }
  const open = [paths.stateDb, paths.runsDir, paths.logsDir].filter(isOpenToOthers);
  if (open.length > 0) {
    return {
      name: 'directories',
      level: 'warn',
      message: `others can read ${open.join(', ')}`,
      fix: `chmod -R go-rwx ${shellWord(paths.orchestratorDir)}`,
    };
  }
  return ok('directories', 'they can be written, and read only by you');
}

/** The path itself, or the closest directory above it that is there. */
function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path));
}

/** Whether this user may make files in the directory. */
function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch (thrown) {
    if (isAbsent(thrown) || isDenied(thrown)) return false;
    throw thrown;
  }
}

function isOpenToOthers(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && (stat.mode & 0o077) !== 0;
}

/** config.json, with what the environment lays over it. */
export function checkConfig(project: Project): CheckResult {
  try {
    project.config();
  } catch (error) {
    return failed('configuration', error);
  }
  const where = existsSync(project.paths.config) ? project.paths.config : 'defaults';
  return ok('configuration', where);
}

/** Which workspace is used, and who says so. */
export function checkWorkspace(project: Project): CheckResult {
  try {
    const { id, source, storePath } = project.workspace();
    return ok('workspace', `${id} (from ${source}): ${storePath}`);
  } catch (error) {
    return failed('workspace', error);
  }
}

/** The preset by which the user is told: its secrets are there and private. Nothing is sent. */
export function checkNotify(project: Project): Promise<CheckResult> {
  const name = 'notify';
  return attempt(name, async () => {
    const { notify } = project.config();
    if (notify.preset === null) return ok(name, notify.command === null ? 'tmux only' : 'notify.command');
    const { readSecrets } = await import('../notify/secrets.ts');
    const { url, answersUrl } = readSecrets(notify, project);
    if (notify.preset === 'desktop') return checkDesktop(name, project.env);
    if ([url, answersUrl].some(isPlainHttp)) {
      const message = `${notify.preset} is told over plain http: whoever is in between can read it`;
      return { name, level: 'warn', message, fix: 'use an address that begins with https://' };
    }
    return ok(name, `${notify.preset}${notify.answers ? ', and answers are obeyed' : ''}`);
  });
}

function isPlainHttp(url: string | null): boolean {
  return url !== null && /^http:\/\/(?!(localhost|127\.0\.0\.1|\[::1\])[:/])/.test(url);
}

function checkDesktop(name: string, env: Project['env']): CheckResult {
  const program = ['notify-send', 'osascript'].find(
    (each) => findCommand(each, env['PATH'] ?? '', '/') !== null,
  );
  if (program !== undefined) return ok(name, `desktop, by ${program} and in terminals that show the session`);
  const message = 'there is no notify-send and no osascript: only terminals that show the session are told';
  return { name, level: 'warn', message, fix: 'install notify-send, which is in libnotify-bin' };
}

/** The store: there, of the known schema, this project's, with a plan that can be run. */
export function checkStore(project: Project): Promise<CheckResult> {
  return attempt('store', async () => {
    const { storePath } = project.workspace();
    if (!existsSync(storePath)) return missingStore(storePath);
    const plan = (await project.planStore()).readPlan();
    const [problem] = plan.problems;
    if (problem !== undefined) {
      // A plan without streams is still to be made; one that cannot be run is refused by start.
      const level = ['no-streams', 'archived-only'].includes(problem.code) ? 'warn' : 'fail';
      return { name: 'store', level, message: problem.message, fix: 'orchestrate plan' };
    }
    const title = plan.initiative === null ? 'no initiative' : `initiative ${plan.initiative.title}`;
    return ok('store', `${title}, ${plural(plan.streams.length, 'stream')}`);
  });
}

/** Our own memory of runs and events; one that cannot be used stops every command but this. */
export function checkState({ paths }: Project): Promise<CheckResult> {
  return attempt('state', async () => {
    if (!existsSync(paths.stateDb)) return ok('state', 'nothing was started yet');
    const { openStateStore } = await import('../state/state-store.ts');
    const state = openStateStore(paths.stateDb, { create: false });
    try {
      state.events({ limit: 1 });
    } finally {
      state.close();
    }
    return ok('state', paths.stateDb);
  });
}

function missingStore(storePath: string): CheckResult {
  const place = nearestExisting(dirname(storePath));
  if (isWritable(place)) {
    return { name: 'store', level: 'warn', message: 'no plan yet', fix: NO_PLAN.remedy };
  }
  return {
    name: 'store',
    level: 'fail',
    message: `cannot write to ${place}`,
    fix: `chmod u+rwx ${shellWord(place)}`,
  };
}
