/** Tells a tmux server from a later one on the same socket; knows nothing of sessions. */
import type { ProcessIdentity } from '../core/types.ts';
import type { ServerIdentity } from './types.ts';

/** A server's identity in parts. `startedAt` is tmux's own (seconds), `processStart` the system's (empty when not known). */
export type ServerParts = {
  readonly socketPath: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly processStart: string;
};

/** `socket|pid|start`, where start is tmux's own start time and the system's, joined by `/`. */
export function serverIdentity(parts: ServerParts): ServerIdentity {
  return `${parts.socketPath}|${parts.pid}|${parts.startedAt}/${parts.processStart}`;
}

/** The parts of an identity; null for a text that isn't one. The path may hold anything, so it is what is left in front. */
export function parseServerIdentity(identity: ServerIdentity): ServerParts | null {
  const match = /^(.*)\|(\d+)\|(\d+)\/([^|]*)$/s.exec(identity);
  if (match === null) return null;
  const [, socketPath = '', pid, startedAt = '', processStart = ''] = match;
  return { socketPath, pid: Number(pid), startedAt, processStart };
}

/** Asks the system who a pid is; null when nobody. */
export type Identify = (pid: number) => ProcessIdentity | null;

/** The living process of a server, null when it has ended or cannot be told for sure. */
export function livingServer(identity: ServerIdentity, identify: Identify): ServerParts | null {
  const parts = parseServerIdentity(identity);
  if (parts === null || parts.processStart === '') return null;
  return identify(parts.pid)?.start === parts.processStart ? parts : null;
}
