/** Finds the stream or the task that the user means by what was typed: an id, a key, a name, or the beginning of one. */
import type { Ports } from '../app/ports.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { listed, printable } from '../core/printable.ts';
import { idsBeginningWith, type NamedStream, streamsNamed } from '../core/short-names.ts';
import type { Plan, StreamRecord, Task } from '../core/types.ts';
import { initiativeOf, streamNames } from '../look/snapshot.ts';
import type { PlanStore } from '../task-copilot/types.ts';

/** The record of the stream that `text` names, as `streamsNamed` reads it. Throws exit 7 for none, and for several. */
export function findStream(ports: Ports, text: string): StreamRecord {
  const plan = ports.plan.readPlan();
  const initiative = initiativeOf(plan);
  const keys = new Map(
    [...ports.state.records(initiative).values()].map(({ streamId, key }) => [streamId, key]),
  );
  const id = oneStream(text, namesOf(plan, keys));
  return ports.state.ensureStream(initiative, id, streamNames(ports));
}

/** The record as it is now: since it was read, a user may have thought, and others have written. */
export function recordNow({ state }: Pick<Ports, 'state'>, record: StreamRecord): StreamRecord {
  return state.records(record.initiativeId).get(record.key) ?? record;
}

/** The record of a stream of the plan, of an earlier plan, or that no plan has any more. Throws as `findStream` does. */
export function findAnyStream(ports: Ports, text: string): StreamRecord {
  const records = [...ports.state.allRecords().readable.values()];
  const exact = records.filter(({ streamId, key }) => streamId === text || key === text);
  const [only] = exact;
  if (only !== undefined && exact.length === 1) return only;
  const inPlan = ports.plan.readPlan().streams.map(({ id, name }) => ({ id, name, key: null }));
  if (exact.length > 1 || streamsNamed(text, inPlan).length > 0) return findStream(ports, text);
  const named = streamsNamed(
    text,
    records.map(({ streamId, key }) => ({ id: key, name: streamId, key })),
  );
  const found = named.length === 1 ? records.find(({ key }) => key === named[0]) : undefined;
  return found ?? findStream(ports, text);
}

/** What the streams of a plan may be called by; `keys` of those that have one, by id. */
export function namesOf(
  { streams }: Pick<Plan, 'streams'>,
  keys: ReadonlyMap<string, string>,
): NamedStream[] {
  return streams.map(({ id, name }) => ({ id, name, key: keys.get(id) ?? null }));
}

/** The id of the one stream that `text` stands for. Throws exit 7 naming the candidates when there is none, or several. */
export function oneStream(text: string, streams: readonly NamedStream[]): string {
  const found = streamsNamed(text, streams);
  const [id] = found;
  if (id !== undefined && found.length === 1) return id;
  const typed = JSON.stringify(printable(text));
  if (id !== undefined)
    throw ambiguous(`${typed} may be any of ${found.length} streams`, found, 'orchestrate plan');
  const known = streams.map((stream) => stream.id);
  throw new OrchestrateError(
    EXIT.input,
    `no stream ${typed} in the plan${known.length === 0 ? '' : `, which has: ${listed(known)}`}`,
    'orchestrate plan',
  );
}

/** The task that `text` names: by its id, or by the beginning of one. Throws exit 7 for none, and for several. */
export function findTask(store: Pick<PlanStore, 'getTask' | 'listTasks'>, text: string): Task {
  const exact = store.getTask(text);
  if (exact !== null) return exact;
  for (const all of [false, true]) {
    const tasks = store.listTasks({ all });
    const ids = tasks.map(({ id }) => id);
    const found = idsBeginningWith(text, ids, 'TASK-');
    const [id] = found;
    const task = tasks.find((each) => each.id === id);
    if (task !== undefined && found.length === 1) return task;
    if (found.length > 1)
      throw ambiguous(
        `${JSON.stringify(printable(text))} may be any of ${found.length} tasks`,
        found,
        'orchestrate task list',
      );
  }
  const why = `no task ${JSON.stringify(printable(text))}`;
  throw new OrchestrateError(EXIT.input, why, 'orchestrate task list');
}

/** `fix` lists them all. */
function ambiguous(message: string, candidates: readonly string[], fix: string): OrchestrateError {
  return new OrchestrateError(EXIT.input, `${message}: ${listed(candidates)}`, fix);
}
