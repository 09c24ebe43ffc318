/** Finds the stream that the user means by what was typed: an id, or a key. */

import type { Ports } from '../app/ports.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import type { StreamRecord } from '../core/types.ts';
import { initiativeOf, streamNames } from '../look/snapshot.ts';

/** The record of the stream that `text` names, by exact id, else by key, else by id without regard to case. Throws exit 7. */
export function findStream(ports: Ports, text: string): StreamRecord {
  const plan = ports.plan.readPlan();
  const initiative = initiativeOf(plan);
  const id =
    plan.streams.find((stream) => stream.id === text)?.id ??
    [...ports.state.records(initiative).values()].find((record) => record.key === text)?.streamId ??
    plan.streams.find((stream) => stream.id.toLowerCase() === text.toLowerCase())?.id;
  if (id !== undefined) return ports.state.ensureStream(initiative, id, streamNames(ports));
  const known = plan.streams.slice(0, 10).map((stream) => printable(stream.id));
  const more = plan.streams.length > 10 ? ' …' : '';
  throw new OrchestrateError(
    EXIT.input,
    `no stream ${JSON.stringify(printable(text))} in the plan`,
    known.length === 0 ? 'orchestrate plan' : `name one of: ${known.join(', ')}${more}`,
  );
}
