/** Launches a run: base, worktree, setup, agent files, window; each step can be found half-done and finished or undone. */
import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Launch } from '../../agent/port.ts';
import { configVariables } from '../../app/config/variables.ts';
import { runDir } from '../../app/paths.ts';
import type { Ports } from '../../app/ports.ts';
import { endAction } from '../../core/decide/assessment.ts';
import { dependencyHeads, movedHeads } from '../../core/done.ts';
import { EXIT, messageOf, OrchestrateError } from '../../core/errors.ts';
import { commandFor } from '../../core/shell-word.ts';
import type { PlanStream, StreamRecord } from '../../core/types.ts';
import { statIfPresent } from '../../files/present.ts';
import { hashToken } from '../../operator/run-scope.ts';
import { streamVariables, workerEnvironment } from '../../worker/environment.ts';
import { writeLaunch, writeScripts } from '../../worker/wrapper.ts';
import { findBase, isCleaned } from './base.ts';
import { applyEnd, endFormerWorkers } from './end-run.ts';
import { refuseChangedGitConfig } from './git-config.ts';
import { noteLaunch, type OpenedWindow } from './note-launch.ts';
import { workerPrompt } from './prompt-context.ts';
import type { Step } from './step.ts';
import {
  isEnded,
  namedNow,
  note,
  privateDirectory,
  recordOf,
  refuseWhileRemoved,
  StreamTaken,
  streamOf,
} from './step.ts';
import { bringUp } from './sync.ts';
import { prepareWorktree } from './worktree.ts';

/** A launch with all that was decided about it. */
type LaunchPlan = {
  readonly stream: PlanStream;
  readonly record: StreamRecord;
  readonly run: number;
  readonly baseSha: string;
  readonly mergeFirst: readonly string[];
  readonly token: string;
  readonly sessionId: string;
  readonly resume: string | null;
};

/** Launches run `run` of the stream; a base conflict or a failed preparation is recorded with the stream. */
export async function launch(step: Step, key: string, run: number): Promise<void> {
  const { ports } = step;
  const record = namedNow(ports, recordOf(step, key));
  // Called off since it was decided.
  if (record.intent !== 'none') return;
  const stream = streamOf(step, record);
  if (stream === null)
    throw new OrchestrateError(EXIT.state, `${record.streamId} is no longer in the plan`, 'orchestrate plan');
  refuseWhileRemoved(step, key);
  let window: OpenedWindow | null = null;
  try {
    await refuseChangedGitConfig(ports);
    const base = await settleBase(step, record, stream);
    if (base === null) return;
    window = await launchFrom(step, {
      stream,
      record: recordOf(step, key),
      run,
      baseSha: base.sha,
      mergeFirst: base.mergeFirst,
      ...identity(step, record),
    });
  } catch (error) {
    if (error instanceof StreamTaken) throw error;
    if (isEnded(step, key, run)) return;
    await closeFailed(step, key, run, error).catch((also: unknown) => {
      throw new AggregateError([error, also], messageOf(error));
    });
    throw error;
  }
  // From here on its worker lives, so that nothing that fails may end the run.
  if (window !== null) await noteLaunch(step, record, run, window);
}

/** Finds and records what the stream is built on; null, with the conflict recorded, when its dependencies do not merge. */
async function settleBase(
  step: Step,
  record: StreamRecord,
  stream: PlanStream,
): Promise<{ readonly sha: string; readonly mergeFirst: readonly string[] } | null> {
  const { ports, snapshot } = step;
  const { key } = record;
  if (record.base !== null && record.runs.length > 0 && !isCleaned(record, snapshot))
    return continueOn(step, record, stream, record.base.sha);
  const base = await findBase(ports, stream, record, snapshot);
  if (!base.ok) {
    ports.state.patchStream(key, { conflict: { parents: base.parents, files: base.files } });
    note(step, key, null, 'base-conflict', `its dependencies do not merge: ${base.files.join(', ')}`);
    return null;
  }
  if (record.base?.sha !== base.sha || (record.conflict !== null && !record.resolve)) {
    ports.state.patchStream(key, {
      base: { sha: base.sha, parents: base.parents, atMs: ports.now() },
      conflict: record.resolve ? record.conflict : null,
    });
  }
  const given = record.assignment?.merges.map(({ sha }) => sha) ?? [];
  return { sha: base.sha, mergeFirst: [...new Set([...base.mergeFirst, ...given])] };
}

/**
 * What a stream that has worked before goes on from: brought up to date where its dependencies moved meanwhile; what we
 * cannot merge, since its worktree holds unfinished work or the user gave it the clash, is its agent's first job.
 */
async function continueOn(
  step: Step,
  record: StreamRecord,
  stream: PlanStream,
  baseSha: string,
): Promise<{ readonly sha: string; readonly mergeFirst: readonly string[] } | null> {
  const moved = movedHeads(stream, step.snapshot).map(({ sha }) => sha);
  if (record.assignment !== null) {
    const given = record.assignment.merges.filter(({ name }) => !stream.dependencies.includes(name));
    return { sha: baseSha, mergeFirst: [...moved, ...given.map(({ sha }) => sha)] };
  }
  // An earlier run may have ended before it had merged what it was to begin with.
  const owed = record.resolve ? (dependencyHeads(stream, step.snapshot)?.slice(1) ?? []) : [];
  if (moved.length === 0) return { sha: baseSha, mergeFirst: owed };
  const result = await bringUp(step, record, stream);
  if (result.came === 'clash') return null;
  if (result.came === 'hindered') return { sha: baseSha, mergeFirst: [...new Set([...owed, ...moved])] };
  return { sha: recordOf(step, record.key).base?.sha ?? baseSha, mergeFirst: owed };
}

/** Secret and conversation of the new run: the last conversation goes on when it still exists. */
function identity(step: Step, record: StreamRecord): Pick<LaunchPlan, 'token' | 'sessionId' | 'resume'> {
  const last = record.runs.at(-1);
  const { agent } = step.ports;
  // Another kind of agent has no way into this one's conversations.
  const resume =
    last === undefined || record.fresh || last.agentKind !== agent.kind ? null : agent.findConversation(last);
  if (resume !== null) refuseSecondWriter(step, record, resume);
  return { token: randomBytes(24).toString('base64url'), sessionId: randomUUID(), resume };
}

/** Claude Code itself lets two processes write into one conversation. Throws exit 5 when someone else has it open. */
function refuseSecondWriter({ ports }: Step, record: StreamRecord, conversation: string): void {
  const holder = ports.agent.holders(conversation).find(({ pid, start }) => {
    const found = ports.processes.identify(pid);
    return found !== null && (start === null || start === found.start);
  });
  if (holder === undefined) return;
  throw new OrchestrateError(
    EXIT.refused,
    `the conversation of ${record.streamId} is open in another session (pid ${holder.pid}): leave that with /exit, or begin another with --fresh`,
    commandFor('retry', record),
  );
}

/** A run that could not be opened is nothing to tell when its stream was called off; any other counts as a launch that failed. */
function refuseUnlessCalledOff(step: Step, key: string, run: number): void {
  if (recordOf(step, key).intent !== 'none') return;
  refuseWhileRemoved(step, key);
  throw new StreamTaken(
    EXIT.state,
    `run ${run} of ${key} could not be opened: another process opened one`,
    'orchestrate status',
  );
}

/** Opens the run and starts its worker; null where it was called off, leaving nothing when it could not be opened. */
async function launchFrom(step: Step, plan: LaunchPlan): Promise<OpenedWindow | null> {
  const { ports } = step;
  const { record, run } = plan;
  if (!isUntouched(record)) await endFormerWorkers(ports, record.key);
  const directory = runDir(ports.paths, record.key, run);
  // Fresh before the run is known to anyone: from then on a `stop` may put its fence there, which has to stay.
  rmSync(directory, { recursive: true, force: true });
  privateDirectory(directory);
  const opened = ports.state.openRun({
    key: record.key,
    number: run,
    agentKind: ports.agent.kind,
    startedAtMs: ports.now(),
    bootId: ports.processes.bootId(),
    // A new conversation has the agent's own id, or one that it finds out itself.
    sessionId: plan.resume,
    baseSha: plan.baseSha,
    tokenHash: hashToken(plan.token),
  });
  if (opened) return startWorker(step, plan, directory);
  refuseUnlessCalledOff(step, record.key, run);
  return null;
}

/** True for a stream without a run whose worktree was made ahead: no agent of it can be at work there, whoever may live. */
function isUntouched({ runs, ahead, worktree }: StreamRecord): boolean {
  return runs.length === 0 && ahead?.path === worktree;
}

/** Looks for them while git is at work: that takes this process some time. */
async function endUnknownWorkers(ports: Ports, key: string): Promise<void> {
  await new Promise(setImmediate);
  await endFormerWorkers(ports, key);
}

/** Prepares what the opened run needs and opens its window; stops where it was called off meanwhile. */
async function startWorker(step: Step, plan: LaunchPlan, directory: string): Promise<OpenedWindow | null> {
  const { ports } = step;
  const { record, run } = plan;
  // The worktree takes longest, so it goes first: even starting a process takes its time.
  const parts = [
    prepareWorktree(step, record, run, plan.baseSha),
    prepareAgent(step, plan, directory),
    ensureSession(ports),
    isUntouched(record) ? endUnknownWorkers(ports, record.key) : null,
  ] as const;
  // When one fails, the others are waited for: the next launch must not meet a set-up still running in the same worktree.
  await Promise.allSettled(parts);
  const [, launched] = await Promise.all(parts);
  if (isEnded(step, record.key, run)) return null;
  writeLaunch(directory, {
    cwd: startDirectory(record.worktree, ports.config.agent.cwd),
    argv: launched.argv,
    env: workerEnvironment(ports.env, launched.env),
  });
  forgetReports(ports, record.key);
  await step.pace.next(step.abort);
  if (isEnded(step, record.key, run)) return null;
  const askedAtMs = ports.now();
  const window = await ports.tmux.openWindow({ key: record.key, run, runDir: directory, keepOnExit: true });
  return { ...window, askedAtMs };
}

async function ensureSession({ tmux, state }: Pick<Ports, 'tmux' | 'state'>): Promise<void> {
  const server = tmux.serverOfWholeSession() ?? (await tmux.ensureSession()).server;
  if (server !== state.tmuxServer()) state.setTmuxServer(server);
}

/** Forgets what earlier runs of a stream reported; called when no worker of it lives. */
function forgetReports({ paths }: Pick<Ports, 'paths'>, key: string): void {
  const spool = privateDirectory(paths.spoolDir);
  const ofKey = new RegExp(`^\\.?${key}-\\d+\\.`);
  for (const name of readdirSync(spool)) if (ofKey.test(name)) rmSync(join(spool, name), { force: true });
}

/** Writes what the agent reads into the run's directory; returns what it is to be started with. */
async function prepareAgent(step: Step, plan: LaunchPlan, directory: string): Promise<Launch> {
  const { ports } = step;
  const { record, run } = plan;
  const prompt = await workerPrompt(ports, plan, step.snapshot);
  writeScripts(directory);
  const launched = await ports.agent.prepare({
    runDir: directory,
    record,
    run,
    prompt,
    resume: plan.resume,
    sessionId: plan.sessionId,
    token: plan.token,
    env: {
      // What the starter configured by variables holds for what the worker types too (`orchestrate status`).
      ...configVariables(ports.env),
      ...streamVariables(ports, record, run, plan.baseSha),
      ORCHESTRATE_TOKEN: plan.token,
      ORCHESTRATE_MARK: step.ports.marks.run(record.key, run),
    },
  });
  ports.state.patchRun(record.key, run, { sessionId: launched.sessionId });
  return launched;
}

/** Where the agent starts: the configured directory, where this branch has it. */
function startDirectory(worktree: string, cwd: string): string {
  const directory = join(worktree, cwd);
  return statIfPresent(directory)?.isDirectory() === true ? directory : worktree;
}

/** Closes the run of a preparation that failed, if it was opened; the failure itself is the back-off's. */
async function closeFailed(step: Step, key: string, run: number, error: unknown): Promise<void> {
  // Broken off: the next poller goes on with it.
  if (step.abort.aborted) return;
  const reason = `could not be launched: ${messageOf(error)}`;
  await applyEnd(step, endAction({ key, number: run }, 'interrupted', reason));
}
