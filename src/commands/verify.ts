/** `verify`: checks a stream's work again, with its gates and without an agent; by the poller when one acts, else by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ports } from '../app/ports.ts';
import { withPorts } from '../app/with-ports.ts';
import { isVerified } from '../core/done.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import type { OrchestrateEvent } from '../core/events.ts';
import { createSlots } from '../core/job-slots.ts';
import { commandFor } from '../core/shell-word.ts';
import { traitsOf } from '../core/states.ts';
import type { StreamRecord } from '../core/types.ts';
import { pollerLives, takeLook } from '../look/snapshot.ts';
import { noteCommand } from '../operator/intent.ts';
import { createPace } from '../poller/pace.ts';
import { apply, createBackoff } from '../poller/steps/apply.ts';
import { gatherReport } from '../report/gather.ts';
import { acquireLease } from '../state/lease.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';
import { findStream } from './stream-argument.ts';

const LEASE_WAIT_MS = 300;
const ASK_EACH_MS = 200;
/** Longest time that the end of a finished worker takes. */
const ENDING_MS = 10_000;

export async function run(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: true }, async (ports, project) => {
    const record = await settledStream(ports, args[0] ?? '');
    refuse(ports, record);
    const beforeId = ports.state.events({ limit: 1 }).at(-1)?.id ?? 0;
    ports.state.patchStream(record.key, { verifyRequested: true });
    noteCommand(ports, record.key, 'verify');
    try {
      await checkNow(ports, project.paths.lockDb, record, beforeId);
    } finally {
      ports.state.patchStream(record.key, { verifyRequested: false });
    }
    return report(ports, record, beforeId, io);
  });
}

/** The stream's record. Of one that was just found done the poller is ending the run: that is waited for, in bounds. */
async function settledStream(ports: Ports, name: string): Promise<StreamRecord> {
  const endMs = ports.now() + ENDING_MS;
  for (;;) {
    const record = findStream(ports, name);
    const stream = ports.plan.readPlan().streams.find(({ id }) => id === record.streamId);
    const ends = record.runs.at(-1)?.endedAtMs === null && stream !== undefined && isVerified(stream, record);
    if (!ends || ports.now() > endMs || !pollerLives(ports)) return record;
    await sleep(ASK_EACH_MS);
  }
}

/** Only complete work of which something was made, and that no worker is at, can be checked. */
function refuse(ports: Ports, record: StreamRecord): void {
  const open = record.runs.at(-1);
  if (open !== undefined && open.endedAtMs === null) {
    throw new OrchestrateError(
      EXIT.refused,
      `a worker is at ${record.streamId} (run ${open.number})`,
      commandFor('stop', record.streamId),
    );
  }
  const stream = ports.plan.readPlan().streams.find((each) => each.id === record.streamId);
  if (stream === undefined || stream.tasks.completed < stream.tasks.total || stream.tasks.total === 0) {
    throw new OrchestrateError(
      EXIT.refused,
      `${record.streamId} has open tasks: ${stream?.openTasks.slice(0, 5).join(', ') ?? 'not in the plan'}`,
      commandFor('status', record.streamId),
    );
  }
  if (record.base === null)
    throw new OrchestrateError(EXIT.state, `${record.streamId} was never started`, 'orchestrate start');
}

async function verifyHere(ports: Ports, record: StreamRecord): Promise<void> {
  const { snapshot } = await takeLook(ports, new Map(), true);
  const run = record.runs.at(-1)?.number ?? null;
  const outcome = await apply(
    {
      ports,
      snapshot,
      gateSlots: createSlots(ports.config.gateConcurrency),
      pace: createPace(0),
      abort: new AbortController().signal,
    },
    { kind: 'verify', key: record.key, run, reason: 'the operator asked for a check' },
    createBackoff(),
  );
  if (!outcome.ok)
    throw new OrchestrateError(
      EXIT.unfinished,
      `${record.streamId} could not be checked: ${outcome.message}`,
      'orchestrate doctor',
    );
}

/** Has the acting poller check, or checks here as soon as none acts: the poller may end while it is waited for. */
async function checkNow(ports: Ports, lockDb: string, record: StreamRecord, beforeId: number): Promise<void> {
  for (let waitMs = LEASE_WAIT_MS; ; waitMs = 0) {
    const lease = acquireLease(lockDb, waitMs);
    if (lease !== null) return verifyHere(ports, record).finally(() => lease.release());
    if (answerSince(ports, record, beforeId) !== undefined) return;
    await refuseOutOfTurn(ports, record);
    await sleep(ASK_EACH_MS);
  }
}

/** A poller checks no stream that is held back. Throws exit 5 saying by what. */
async function refuseOutOfTurn(ports: Ports, record: StreamRecord): Promise<void> {
  const { states } = await gatherReport(ports);
  const found = states.find(({ key }) => key === record.key);
  if (found === undefined || traitsOf(found.state).handling.checkable) return;
  throw new OrchestrateError(
    EXIT.refused,
    `${record.streamId} is ${found.state}, so that the poller does not check it${found.reason === null ? '' : `: ${found.reason}`}`,
    found.remedy ?? commandFor('status', record.streamId),
  );
}

/** How the check went, as far as it is through. */
function answerSince(ports: Ports, record: StreamRecord, beforeId: number): OrchestrateEvent | undefined {
  const kinds = ['done', 'not-verified', 'verify-error'];
  return ports.state
    .events({ key: record.key, sinceId: beforeId })
    .filter(({ kind }) => kinds.includes(kind))
    .at(-1);
}

function report(ports: Ports, record: StreamRecord, beforeId: number, io: Io): number {
  const last = answerSince(ports, record, beforeId);
  const ok = last?.kind === 'done';
  const message = last?.message ?? 'nothing was checked';
  if (io.json) io.print(JSON.stringify({ schemaVersion: 1, stream: record.streamId, verified: ok, message }));
  else if (ok) io.print(message);
  if (ok) return EXIT.ok;
  throw new OrchestrateError(
    EXIT.unfinished,
    `${record.streamId} is not done: ${message}`,
    commandFor('status', record.streamId),
  );
}
