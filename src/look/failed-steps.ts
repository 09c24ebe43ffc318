/** Keeps which steps failed, so that the next looks hold them back, also those of a later poller. */

import type { Ports } from '../app/ports.ts';
import { messageOf, OrchestrateError } from '../core/errors.ts';
import type { Action, Trouble } from '../core/types.ts';

const TROUBLES = 'troubles';

type Where = Pick<Ports, 'state' | 'now'>;

/** Steps that failed when they were last tried, by key. */
export function readTroubles({ state }: Pick<Where, 'state'>): ReadonlyMap<string, Trouble> {
  const text = state.getMeta(TROUBLES);
  return new Map<string, Trouble>(text === null ? [] : JSON.parse(text));
}

/** Notes a failed step; a launch is counted with its stream instead. `clearedAtMs`: since when a person wants it counted anew. */
export function noteTrouble(ports: Where, { key, kind }: Action, error: unknown, clearedAtMs: number): void {
  if (kind === 'launch') return;
  const before = readTroubles(ports).get(key);
  const fix = error instanceof OrchestrateError ? error.fix : 'orchestrate doctor';
  const again = before?.kind === kind && before.atMs > clearedAtMs;
  const count = again ? before.count + 1 : 1;
  write(ports, key, { kind, message: messageOf(error), fix, atMs: ports.now(), count });
}

/** Forgets the failures of a step that has been taken. */
export function forgetTrouble(ports: Where, { key, kind }: Action): void {
  if (readTroubles(ports).get(key)?.kind === kind) write(ports, key, null);
}

function write({ state }: Where, key: string, trouble: Trouble | null): void {
  const troubles = new Map(readTroubles({ state }));
  if (trouble === null) troubles.delete(key);
  else troubles.set(key, trouble);
  state.setMeta(TROUBLES, troubles.size === 0 ? null : JSON.stringify([...troubles]));
}
