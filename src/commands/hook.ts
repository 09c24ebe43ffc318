/** `hook stop`: what an agent's Stop hook asks; prints a refusal as the agent understands it, or nothing. Only of use inside a run. */
import { createAgent } from '../agent/create-agent.ts';
import type { Agent } from '../agent/port.ts';
import { openProject, type Project } from '../app/project.ts';
import { EXIT } from '../core/errors.ts';
import type { Run } from '../core/types.ts';
import { createGit } from '../git/git.ts';
import { answerStop } from '../operator/answer-stop.ts';
import { readRun, type WorkerRun } from '../operator/run-scope.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';

/** An agent that wants to stop is not kept waiting for a lock: it stops, and is told what is missing by the poller. */
const BUSY_TIMEOUT_MS = 1_000;

export async function run(_args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  const project = openProject(io);
  try {
    const worker = await readRun(project, { busyTimeoutMs: BUSY_TIMEOUT_MS });
    if (worker === null) return EXIT.ok;
    const agent = reportingAgent(project);
    const refusal = await refusalFor(project, worker, agent);
    if (refusal !== null) io.print(agent.refusal(refusal));
    return EXIT.ok;
  } finally {
    project.close();
  }
}

async function refusalFor(
  project: Project,
  { scope, state }: WorkerRun,
  agent: Agent,
): Promise<string | null> {
  const { key, run } = scope;
  const record = [...state.records(scope.initiativeId).values()].find((each) => each.key === key);
  if (record === undefined) return null;
  const ports = {
    plan: await project.planStore(),
    state,
    config: project.config(),
    git: createGit({ root: project.root, commonDir: project.commonDir }),
    now: project.now,
    failedCommit: (each: Run) => agent.failedCommit(each),
  };
  return answerStop(ports, record, run, agent.lastStop(key, run) ?? PLAIN_STOP);
}

/** What is assumed without a report: the hook's script could not write it (a full disk). */
const PLAIN_STOP = { again: false, background: [], said: null };

/** The agent, for what its hook has just reported with this run's token. */
function reportingAgent({ root, env, paths, config }: Project): Agent {
  const isTokenOf = (token: string): boolean => token === env['ORCHESTRATE_TOKEN'];
  const reports = { spool: paths.spoolDir, isTokenOf };
  return createAgent(config().agent, { projectRoot: root, env, commands: [], reports });
}
