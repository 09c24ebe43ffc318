/** `start --dry-run`: shows what would start now and what would wait; makes nothing. */

import type { Ports } from '../../app/ports.ts';
import { policyOf } from '../../app/ports.ts';
import { decide } from '../../core/decide/decide.ts';
import { EXIT } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { traitsOf } from '../../core/states.ts';
import type { Snapshot, StreamRecord } from '../../core/types.ts';
import { takeLook } from '../../look/snapshot.ts';
import { findStream } from '../../operator/find-stream.ts';
import { clearedFields, lastEvent } from '../../operator/intent.ts';
import type { Io } from '../io.ts';
import { printHeader } from './header.ts';

/** The records as `start` would leave them: named streams without anything that holds them back, else none stopped. */
function cleared({ records, nowMs }: Snapshot, named: ReadonlySet<string>): Map<string, StreamRecord> {
  const clear = (record: StreamRecord): StreamRecord => {
    if (named.has(record.streamId)) return { ...record, ...clearedFields(record, nowMs, 0) };
    return named.size === 0 && record.intent === 'stopped' ? { ...record, intent: 'none' } : record;
  };
  return new Map([...records].map(([key, record]) => [key, clear(record)]));
}

/** Prints the steps of the first tick. `args`: the streams that were named. */
export async function dryRun(ports: Ports, args: readonly string[], io: Io): Promise<number> {
  const named = new Set(args.map((text) => findStream(ports, text).streamId));
  await printHeader(ports, io, true);
  const { snapshot } = await takeLook(ports, new Map(), true);
  const policy = policyOf(ports.config, ports.agent, named.size === 0 ? null : named, lastEvent(ports));
  const { actions, states } = decide({ ...snapshot, records: cleared(snapshot, named) }, policy);
  const idOf = new Map([...snapshot.keys].map(([id, key]) => [key, id]));
  const steps = actions.map(({ key, kind, reason }) => ({
    stream: idOf.get(key) ?? key,
    step: kind,
    reason,
  }));
  if (io.json) {
    io.print(
      JSON.stringify({
        schemaVersion: 1,
        steps,
        states: states.map(({ id, state, reason }) => ({ id, state, reason })),
      }),
    );
    return EXIT.ok;
  }
  io.print(steps.length === 0 ? 'Nothing can start now.' : 'Would start now:');
  for (const { stream, step, reason } of steps)
    io.print(`  ${step.padEnd(8)} ${printable(stream)}: ${printable(reason)}`);
  const later = states.filter(
    ({ key, state }) => traitsOf(state).phase !== 'settled' && !actions.some((action) => action.key === key),
  );
  if (later.length > 0) io.print('Later:');
  for (const { id, state, reason } of later)
    io.print(`  ${state.padEnd(8)} ${printable(id)}${reason === null ? '' : `: ${printable(reason)}`}`);
  return EXIT.ok;
}
