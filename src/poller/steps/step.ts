/** What every step of applying actions shares: its surroundings, its events, and its outcome as a value. */
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ports } from '../../app/ports.ts';
import { EXIT, OrchestrateError } from '../../core/errors.ts';
import type { EventKind } from '../../core/events.ts';
import type { Slots } from '../../core/job-slots.ts';
import type { PlanStream, Snapshot, StreamRecord } from '../../core/types.ts';
import { otherNames } from '../../look/snapshot.ts';
import type { CommandResult } from '../../process/types.ts';

/** The surroundings of a step: the ports, what this poller shares between steps, and the snapshot it was decided on. */
export type Step = {
  readonly ports: Ports;
  readonly gateSlots: Slots;
  /** Spaces out launches. */
  readonly pace: { next(abort: AbortSignal): Promise<void> };
  /** Aborts when the poller leaves: what waits or runs for the step then throws an AbortError. */
  readonly abort: AbortSignal;
  readonly snapshot: Snapshot;
};

/** The record of a stream by key; throws exit 6 when it vanished. */
export function recordOf(
  step: Pick<Step, 'ports'> & { readonly snapshot: Pick<Snapshot, 'records'> },
  key: string,
): StreamRecord {
  const id = step.snapshot.records.get(key)?.initiativeId ?? '';
  const record = step.ports.state.records(id).get(key) ?? step.snapshot.records.get(key);
  if (record === undefined)
    throw new OrchestrateError(EXIT.state, `no record of stream ${key}`, 'orchestrate start');
  return record;
}

/** The plan's stream of a record, null when it left the plan. */
export function streamOf(step: Pick<Step, 'snapshot'>, record: StreamRecord): PlanStream | null {
  return step.snapshot.plan.streams.find((stream) => stream.id === record.streamId) ?? null;
}

/** The record with branch and place as the configuration has them now, while nothing of the stream was ever made. */
export function namedNow(
  ports: Pick<Ports, 'paths' | 'config' | 'state'>,
  record: StreamRecord,
): StreamRecord {
  const names = otherNames(ports, record);
  if (names !== null) ports.state.patchStream(record.key, names);
  return { ...record, ...names };
}

/** True when the operator ended the run while it was being launched. */
export function isEnded(step: Pick<Step, 'ports' | 'snapshot'>, key: string, run: number): boolean {
  const opened = recordOf(step, key).runs.find(({ number }) => number === run);
  return opened !== undefined && opened.endedAtMs !== null;
}

/** The stream is another process's to act on: nothing of it is ours to close. */
export class StreamTaken extends OrchestrateError {}

/**
 * Throws exit 4 while a `clean` takes the stream's worktree away. One that was killed keeps nobody from working: what it has left
 * is mended with the worktree.
 */
export function refuseWhileRemoved(step: Pick<Step, 'ports' | 'snapshot'>, key: string): void {
  const { removing } = recordOf(step, key);
  if (removing === null) return;
  if (step.ports.processes.isAlive(removing))
    throw new StreamTaken(
      EXIT.busy,
      `orchestrate clean (pid ${removing.pid}) is removing its former worktree`,
      'wait until it has ended',
    );
  step.ports.state.patchStream(key, { removing: null });
}

/** Writes one event of a stream; `atMs`: when it happened, where that is not now. */
export function note(
  step: Pick<Step, 'ports'>,
  key: string,
  run: number | null,
  kind: EventKind,
  message: string,
  atMs = step.ports.now(),
): void {
  step.ports.state.addEvent({ atMs, key, run, kind, message });
}

/**
 * Runs a command of the configuration for a step, as `Processes.runShell` does. Throws an AbortError when the step was broken
 * off: its end then says nothing of the command.
 */
export function runCommand(
  { ports, abort }: Pick<Step, 'ports' | 'abort'>,
  command: Omit<Parameters<Ports['processes']['runShell']>[0], 'mark' | 'abort'>,
): Promise<CommandResult> {
  return ports.processes.runShell({ ...command, mark: ports.marks.own, abort });
}

/** How a command of the configuration that failed has ended, in words that follow its name. */
export function howItEnded({ exitCode, signal, timedOut }: CommandResult, seconds: number): string {
  return timedOut ? `timed out after ${seconds} s` : `failed (${signal ?? `exit ${exitCode}`})`;
}

/** Resolves after `ms`; throws an AbortError at `abort`. */
export async function pause(ms: number, abort?: AbortSignal): Promise<void> {
  await sleep(Math.max(0, ms), undefined, abort === undefined ? {} : { signal: abort });
}

/** Makes a directory of ours that no one else can read. */
export function privateDirectory(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}
