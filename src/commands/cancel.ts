/** `cancel`: takes a stream out of the plan for good: its tasks are cancelled, its agent is ended, and what depended on it no longer waits for it. */
import { withPorts } from '../app/wiring.ts';
import { EXIT } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { cancel } from '../operator/cancel.ts';
import { findStream } from '../operator/find-stream.ts';
import { refuseSteering } from '../operator/run-scope.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';

export async function run(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: true }, async (ports) => {
    refuseSteering(io.env, ports.paths.root, 'cancel');
    const record = findStream(ports, args[0] ?? '');
    const { tasks, dependents, endedRun } = await cancel(ports, record);
    if (io.json) {
      io.print(JSON.stringify({ schemaVersion: 1, stream: record.streamId, tasks, dependents, endedRun }));
      return EXIT.ok;
    }
    const agent = endedRun === null ? '' : `, its agent was ended (run ${endedRun})`;
    const work = record.branchMade ? `; its work stays on ${record.branch}` : '';
    io.print(`cancelled ${printable(record.streamId)}${agent}${work}`);
    for (const { id, dependencies } of dependents) {
      const on = dependencies.map((each) => printable(each)).join(', ');
      io.print(`  ${printable(id)} now depends on ${on === '' ? 'nothing' : on}`);
    }
    return EXIT.ok;
  });
}
