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
    const answer = await answerTo(project, worker);
    if (answer !== null) io.print(answer);
    return EXIT.ok;
  } finally {
    project.close();
  }
}

/** The refusal as the run's agent understands it; null: it may stop. */
async function answerTo(project: Project, { scope, state }: WorkerRun): Promise<string | null> {
  const { key, run } = scope;
  const record = [...state.records(scope.initiativeId).values()].find((each) => each.key === key);
  const open = record?.runs.find(({ number }) => number === run);
  if (record === undefined || open === undefined) return null;
  const agent = reportingAgent(project, open);
  const ports = {
    plan: await project.planStore(),
    state,
    config: project.config(),
    git: createGit({ root: project.root, commonDir: project.commonDir }),
    now: project.now,
    failedCommit: (each: Run) => agent.failedCommit(each),
  };
  const refusal = await answerStop(ports, record, run, agent.lastStop(key, run) ?? PLAIN_STOP);
  return refusal === null ? null : agent.refusal(refusal);
}

/** What is assumed without a report: the hook's script could not write it (a full disk). */
const PLAIN_STOP = { again: false, background: [], said: null };

/** The agent that made the run, for what its hook has just reported with this run's token. */
function reportingAgent({ root, env, paths, config }: Project, { agentKind: kind }: Run): Agent {
  const isTokenOf = (token: string): boolean => token === env['ORCHESTRATE_TOKEN'];
  const reports = { spool: paths.spoolDir, isTokenOf };
  return createAgent({ ...config().agent, kind }, { projectRoot: root, env, commands: [], reports });
}
