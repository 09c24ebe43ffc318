/** `verify`: has a stream's work checked again, with its gates and without an agent; by the poller when one acts, else here. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ports } from '../app/ports.ts';
import { isCancelled, isVerified, openTasksNamed, tasksComplete } from '../core/done.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { createSlots } from '../core/job-slots.ts';
import { commandFor } from '../core/shell-word.ts';
import { traitsOf } from '../core/states.ts';
import type { PlanStream, StreamRecord, VerifyAnswer } from '../core/types.ts';
import { pollerLives, takeLook } from '../look/snapshot.ts';
import { createPace } from '../poller/flights.ts';
import { endLeftTools } from '../poller/left-processes.ts';
import { apply, createBackoff } from '../poller/steps/apply.ts';
import type { Step } from '../poller/steps/step.ts';
import { gatherReport } from '../report/gather.ts';
import { findStream, recordNow } from './find-stream.ts';
import { noteCommand } from './intent.ts';

const LEASE_WAIT_MS = 300;
const ASK_EACH_MS = 200;
/** Longest time that the end of a finished worker takes. */
const ENDING_MS = 10_000;

/**
 * Checks the stream that `name` stands for and says how it went. Throws exit 5 while a worker is at it, tasks are open, or
 * something else holds it back, exit 1 when it could not be checked, and an AbortError when `abort` fires: what was running
 * for it here has ended by then.
 */
export async function requestVerify(
  ports: Ports,
  name: string,
  abort: AbortSignal,
): Promise<VerifyAnswer & { readonly stream: string }> {
  const record = await settledStream(ports, name, abort);
  refuse(ports, record);
  ports.state.patchStream(record.key, { verifyRequested: true, verifyAnswer: null });
  noteCommand(ports, record.key, 'to be checked again');
  try {
    return { stream: record.streamId, ...(await answerOf(ports, record, abort)) };
  } finally {
    ports.state.patchStream(record.key, { verifyRequested: false });
  }
}

/** The stream's record. Of one that was just found done the poller is ending the run: that is waited for, in bounds. */
async function settledStream(ports: Ports, name: string, abort: AbortSignal): Promise<StreamRecord> {
  const endMs = performance.now() + ENDING_MS;
  for (;;) {
    const record = findStream(ports, name);
    const stream = ports.plan.readPlan().streams.find(({ id }) => id === record.streamId);
    const ends = record.runs.at(-1)?.endedAtMs === null && stream !== undefined && isVerified(stream, record);
    if (!ends || performance.now() > endMs || !pollerLives(ports)) return record;
    await sleep(ASK_EACH_MS, undefined, { signal: abort });
  }
}

/** Only complete work of which something was made, and that no worker is at, can be checked. */
function refuse(ports: Ports, record: StreamRecord): void {
  const open = record.runs.at(-1);
  if (open !== undefined && open.endedAtMs === null) {
    throw new OrchestrateError(
      EXIT.refused,
      `an agent is at work on ${record.streamId} (run ${open.number})`,
      commandFor('stop', record),
    );
  }
  const stream = ports.plan.readPlan().streams.find((each) => each.id === record.streamId);
  const why = stream === undefined ? 'is no longer in the plan' : unfinishedText(stream);
  if (why !== null)
    throw new OrchestrateError(EXIT.refused, `${record.streamId} ${why}`, commandFor('status', record));
  if (record.base === null)
    throw new OrchestrateError(
      EXIT.state,
      `${record.streamId} was never started`,
      commandFor('status', record),
    );
}

/** Why a stream has no work that could be checked; null when it is complete. */
function unfinishedText(stream: PlanStream): string | null {
  if (tasksComplete(stream)) return null;
  return isCancelled(stream)
    ? 'is cancelled: there is nothing to check'
    : `is not complete: ${openTasksNamed(stream)}`;
}

/** The acting poller's answer, or one from here as soon as none acts: the poller may end while it is waited for. */
async function answerOf(ports: Ports, record: StreamRecord, abort: AbortSignal): Promise<VerifyAnswer> {
  for (let waitMs = LEASE_WAIT_MS; ; waitMs = 0) {
    const lease = ports.lease.acquire(waitMs);
    if (lease !== null) return verifyHere(ports, record, abort).finally(() => lease.release());
    const { verifyAnswer, verifyRequested } = recordNow(ports, record);
    if (verifyAnswer !== null) return verifyAnswer;
    // Its poller was killed between taking the wish up and answering it.
    if (!verifyRequested) ports.state.patchStream(record.key, { verifyRequested: true });
    await refuseOutOfTurn(ports, record);
    await sleep(ASK_EACH_MS, undefined, { signal: abort });
  }
}

/** What a step needs that is taken here and not by a poller, whose lease has to be held. */
export async function stepHere(ports: Ports, abort: AbortSignal): Promise<Step> {
  const { snapshot } = await takeLook(ports, new Map(), true);
  const gateSlots = createSlots(ports.config.gateConcurrency);
  return { ports, snapshot, gateSlots, pace: createPace(0), abort };
}

async function verifyHere(ports: Ports, record: StreamRecord, abort: AbortSignal): Promise<VerifyAnswer> {
  await endLeftTools(ports);
  const step = await stepHere(ports, abort);
  const run = record.runs.at(-1)?.number ?? null;
  const { ok, message } = await apply(
    step,
    {
      kind: 'verify',
      key: record.key,
      run,
      reason: 'you asked for a check',
    },
    createBackoff(),
  );
  abort.throwIfAborted();
  const { verifyAnswer } = recordNow(ports, record);
  if (ok && verifyAnswer !== null) return verifyAnswer;
  throw new OrchestrateError(
    EXIT.unfinished,
    `${record.streamId} could not be checked: ${message}`,
    'orchestrate doctor',
  );
}

/** A poller checks no stream that is held back. Throws exit 5 saying by what. */
async function refuseOutOfTurn(ports: Ports, record: StreamRecord): Promise<void> {
  const { states } = await gatherReport(ports);
  const found = states.find(({ key }) => key === record.key);
  if (found === undefined || traitsOf(found.state).handling.checkable) return;
  throw new OrchestrateError(
    EXIT.refused,
    `${record.streamId} is ${found.state}, so that it is not checked${found.reason === null ? '' : `: ${found.reason}`}`,
    found.remedy ?? commandFor('status', record),
  );
}
