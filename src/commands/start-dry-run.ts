/** `start --dry-run`: shows what would start now and what would wait; makes nothing. */

import { printable } from '../core/printable.ts';
import { judge } from '../core/state.ts';
import { EXIT } from '../errors.ts';
import type { Ports } from '../reconcile/ports.ts';
import { policyOf } from '../reconcile/ports.ts';
import { takeLook } from '../reconcile/snapshot.ts';
import type { Io } from './io.ts';
import { printHeader } from './start-header.ts';

/** Prints the steps of the first tick. `args`: the streams that were named. */
export async function dryRun(ports: Ports, args: readonly string[], io: Io): Promise<number> {
  await printHeader(ports, io);
  const { snapshot } = await takeLook(ports, new Map(), true);
  const policy = policyOf(ports.config, ports.agent, args.length === 0 ? null : new Set(args), ports.now());
  const { actions, states } = judge(snapshot, policy);
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
  io.print(steps.length === 0 ? 'Nothing would be done now.' : 'Would be done now:');
  for (const { stream, step, reason } of steps)
    io.print(`  ${step.padEnd(8)} ${printable(stream)}: ${printable(reason)}`);
  const later = states.filter(
    ({ key, state }) => state !== 'done' && !actions.some((action) => action.key === key),
  );
  if (later.length > 0) io.print('Later:');
  for (const { id, state, reason } of later)
    io.print(`  ${state.padEnd(8)} ${printable(id)}${reason === null ? '' : `: ${printable(reason)}`}`);
  return EXIT.ok;
}
