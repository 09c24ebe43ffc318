/** `orchestrate doctor`: looks at everything a plan needs and says of each what is wrong and what to type. Changes nothing. */
import { openProject, type Project } from '../app/project.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { gitChecks } from '../doctor/git-checks.ts';
import {
  checkConfig,
  checkFiles,
  checkLaunchers,
  checkPermissions,
  checkState,
  checkStore,
  checkWorkspace,
} from '../doctor/project-checks.ts';
import {
  attempt,
  type CheckResult,
  checkAgent,
  checkNative,
  checkNode,
  checkRepository,
  checkTools,
} from '../doctor/tool-checks.ts';
import type { CommandModule } from './definition.ts';
import type { Io } from './io.ts';

const MARKS = { ok: '✓', warn: '!', fail: '✗' } as const;

export const run: CommandModule['run'] = async (_args, _flags, io) => {
  const checks = await allChecks(io);
  if (io.json) io.print(JSON.stringify({ schemaVersion: 1, checks }));
  else for (const check of checks) io.print(lines(check));
  return checks.some(({ level }) => level === 'fail') ? EXIT.environment : EXIT.ok;
};

async function allChecks(io: Io): Promise<CheckResult[]> {
  const tools = [checkNode(), checkNative(), ...(await checkTools(io))];
  const project = projectOrCheck(io);
  if ('level' in project) return [...tools, project];
  try {
    return [...tools, ...(await projectChecks(project))];
  } finally {
    project.close();
  }
}

function projectOrCheck(io: Io): Project | CheckResult {
  try {
    return openProject(io);
  } catch (error) {
    if (!(error instanceof OrchestrateError)) throw error;
    return { name: 'repository', level: 'fail', message: error.message, fix: error.fix };
  }
}

/** What depends on a readable configuration is left out when there is none: its one problem comes first. */
async function projectChecks(project: Project): Promise<CheckResult[]> {
  const config = checkConfig(project);
  const checks = [
    await attempt('files', async () => checkFiles(project)),
    await attempt('launchers', async () => checkLaunchers(project)),
    config,
    await attempt('permissions', async () => checkPermissions(project)),
  ];
  if (config.level === 'fail') return checks;
  return [
    ...checks,
    await checkRepository(project),
    ...(await gitChecks(project)),
    ...(await checkAgent(project)),
    checkWorkspace(project),
    await checkStore(project),
    await checkState(project),
  ];
}

function lines({ name, level, message, fix }: CheckResult): string {
  const remedy = fix === null ? '' : `\n    fix: ${fix}`;
  return `${MARKS[level]} ${name}: ${message}${remedy}`;
}
