/** Reads Claude Code's own session registry: what a living session says of itself; knows nothing of runs. */
import path from 'node:path';
import { numberOf, parseObject, stringOf } from '../../core/json-fields.ts';
import { listIfPresent, readIfPresent } from '../../files/present.ts';

/** One session's entry. `status` is null while it starts; else `busy`, `idle`, `waiting` or `shell` (a background shell runs). */
export type RegistryEntry = {
  readonly sessionId: string | null;
  readonly status: string | null;
  /** For `waiting`: `permission prompt`, `input needed`, `dialog open`, … */
  readonly waitingFor: string | null;
  readonly statusAtMs: number | null;
  readonly startedAtMs: number | null;
  /** Start time of the process as the platform tells it. */
  readonly processStart: string | null;
};

/**
 * The entry of process `pid`; null when there is none (before its dialogs are answered, or after a clean end). Throws what
 * the system says of one that cannot be read.
 */
export function readRegistry(sessions: string, pid: number): RegistryEntry | null {
  const text = readIfPresent(path.join(sessions, `${pid}.json`));
  const record = text === null ? null : parseObject(text);
  if (record === null) return null;
  return {
    sessionId: stringOf(record['sessionId']),
    status: stringOf(record['status']),
    waitingFor: stringOf(record['waitingFor']),
    statusAtMs: numberOf(record['statusUpdatedAt']),
    startedAtMs: numberOf(record['startedAt']),
    processStart: stringOf(record['procStart']),
  };
}

/**
 * Processes that say they have this conversation open, dead ones included: after kill -9 nobody removes an entry. Throws
 * where that cannot be read: it is not the same as nobody.
 */
export function holdersOf(
  sessions: string,
  sessionId: string,
): { readonly pid: number; readonly start: string | null }[] {
  return listIfPresent(sessions).flatMap((name) => {
    const pid = Number(/^(\d+)\.json$/.exec(name)?.[1] ?? Number.NaN);
    const entry = Number.isNaN(pid) ? null : readRegistry(sessions, pid);
    return entry?.sessionId === sessionId ? [{ pid, start: entry.processStart }] : [];
  });
}
