/** `hook stop`: what an agent's Stop hook asks; prints a refusal as the agent understands it, or nothing. Only of use inside a run. */
import { createReports } from '../agent/claude/reports.ts';
import { openProject, type Project } from '../app/project.ts';
import { EXIT } from '../core/errors.ts';
import { createGit } from '../git/git.ts';
import { answerStop, type ReportedStop } from '../operator/answer-stop.ts';
import { readRun, type WorkerRun } from '../operator/scope.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';

/** An agent that wants to stop is not kept waiting for a lock: it stops, and is told what is missing by the poller. */
const BUSY_TIMEOUT_MS = 1_000;

export async function run(_args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  const project = openProject(io);
  try {
    const worker = await readRun(project, { busyTimeoutMs: BUSY_TIMEOUT_MS });
    if (worker === null) return EXIT.ok;
    const refusal = await refusalFor(project, worker);
    if (refusal !== null) io.print(JSON.stringify({ decision: 'block', reason: refusal }));
    return EXIT.ok;
  } finally {
    project.close();
  }
}

async function refusalFor(project: Project, { scope, state }: WorkerRun): Promise<string | null> {
  const { key, run } = scope;
  const record = [...state.records(scope.initiativeId).values()].find((each) => each.key === key);
  if (record === undefined) return null;
  const ports = {
    plan: await project.planStore(),
    state,
    config: project.config(),
    git: createGit({ root: project.root, commonDir: project.commonDir }),
    now: project.now,
  };
  return answerStop(ports, record, run, reportedStop(project, key, run));
}

/** The report that the hook's script has just written; without one (a full disk) a plain stop is assumed. */
function reportedStop({ paths, env }: Project, key: string, run: number): ReportedStop {
  const reports = createReports(paths.spoolDir, (token) => token === env['ORCHESTRATE_TOKEN']).of(key, run);
  const stop = reports.find(({ event }) => event === 'Stop');
  return { again: stop?.again ?? false, background: stop?.background ?? [] };
}
