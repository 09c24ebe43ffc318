/** Checks of the configuration, the workspace and its plan store. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Project } from '../app/project.ts';
import { attempt, type Check, failed, ok } from './check.ts';
import { isWritable, nearestExisting } from './file-checks.ts';

/** config.json, with what the environment lays over it. */
export function checkConfig(project: Project): Check {
  try {
    project.config();
  } catch (error) {
    return failed('configuration', error);
  }
  const where = existsSync(project.paths.config) ? project.paths.config : 'defaults';
  return ok('configuration', where);
}

/** Which workspace is used, and who says so. */
export function checkWorkspace(project: Project): Check {
  try {
    const { id, source, storePath } = project.workspace();
    return ok('workspace', `${id} (from ${source}): ${storePath}`);
  } catch (error) {
    return failed('workspace', error);
  }
}

/** The store: there, of the known schema, this project's, with a plan that can be run. */
export function checkStore(project: Project): Promise<Check> {
  return attempt('store', async () => {
    const { storePath } = project.workspace();
    if (!existsSync(storePath)) return missingStore(storePath);
    const plan = (await project.planStore()).readPlan();
    const [problem] = plan.problems;
    if (problem !== undefined) {
      return { name: 'store', level: 'warn', message: problem.message, fix: 'orchestrate plan' };
    }
    const title = plan.initiative === null ? 'no initiative' : `initiative ${plan.initiative.title}`;
    return ok('store', `${title}, ${plan.streams.length} streams`);
  });
}

/** Our own memory of runs and events; one that can't be used stops every command but this. */
export function checkState({ paths }: Project): Promise<Check> {
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

function missingStore(storePath: string): Check {
  const place = nearestExisting(dirname(storePath));
  if (isWritable(place)) {
    return { name: 'store', level: 'warn', message: 'no plan yet', fix: 'orchestrate import plan.yaml' };
  }
  return { name: 'store', level: 'fail', message: `can't write to ${place}`, fix: `chmod u+rwx '${place}'` };
}
