/** Reads events by their numbers, each once, for as long as wanted; does not know what is told of them. */
import type { OrchestrateEvent } from '../../core/events.ts';
import { watchDirectory } from '../../poller/wake.ts';
import { watchDatabases } from '../../sqlite/watch-databases.ts';
import type { StateStore } from '../../state/types.ts';

/** An event with the id of its stream, and of the initiative that this is of. */
export type TracedEvent = OrchestrateEvent & {
  readonly stream: string | null;
  readonly initiative: string | null;
};

/** Reads the events that came after the last reading; `ring` is called when there may be more. */
export type EventReader = {
  /** Oldest first; empty while there is no state.db. Throws as `openStateStore` does. */
  next(): TracedEvent[];
  /** True when the last reading found a state.db. */
  readonly opened: () => boolean;
  close(): void;
};

/** As many events are remembered as state.db keeps. */
const REMEMBERED = 20_000;

type Opened = { readonly state: StateStore; readonly watch: { close(): void } };

/**
 * A reader of what comes after number `since`. `open` opens the state.db that is there now, null for none. Where another file
 * takes its place, it goes on after what both have in common: a copy repeats nothing, a new one is told from its start.
 */
export function readEvents(
  place: { readonly directory: string; readonly open: () => StateStore | null },
  since: number,
  ring: () => void,
): EventReader {
  const namesOf = createNames();
  const seen = createSeen(since);
  let opened: Opened | null = null;
  const directory = watchDirectory(place.directory, () => opened === null && ring(), ring);
  const close = (): void => {
    opened?.watch.close();
    opened?.state.close();
    opened = null;
  };
  const reopen = (): Opened | null => {
    const state = place.open();
    if (state === null) return null;
    const watch = watchDatabases([{ path: state.path, check: () => state.changeToken() }], ring);
    opened = { state, watch };
    seen.resume(state.events({}));
    return opened;
  };
  return {
    next() {
      if (opened?.state.isLost() === true) close();
      const current = opened ?? reopen();
      if (current === null) return [];
      try {
        const events = current.state.events({ sinceId: seen.last() });
        const traced = events.map((event) => ({ ...event, ...namesOf(current.state, event.key) }));
        seen.add(events);
        return traced;
      } catch (error) {
        close();
        throw error;
      }
    },
    opened: () => opened !== null,
    close() {
      directory.close();
      close();
    },
  };
}

/** Which events were read, so that they are known again in another file. */
function createSeen(since: number): {
  last(): number;
  add(events: readonly OrchestrateEvent[]): void;
  /** Looks at all events of a file that was just opened: where to go on in it. */
  resume(kept: readonly OrchestrateEvent[]): void;
} {
  const signs = new Map<number, string>();
  const sign = ({ atMs, key, kind, message }: OrchestrateEvent): string =>
    JSON.stringify([atMs, key, kind, message]);
  let last = since;
  let first = true;
  const remember = (events: readonly OrchestrateEvent[]): void => {
    for (const event of events) signs.set(event.id, sign(event));
    for (const id of signs.keys()) {
      if (signs.size <= REMEMBERED) break;
      signs.delete(id);
    }
  };
  return {
    last: () => last,
    add(events) {
      remember(events);
      last = events.at(-1)?.id ?? last;
    },
    resume(kept) {
      if (!first) {
        const common = kept.findLast((event) => signs.get(event.id) === sign(event));
        // Where all that was read is trimmed away, the numbers tell that it goes on.
        const goesOn = common === undefined && (kept[0]?.id ?? 0) > last;
        if (!goesOn) last = common?.id ?? 0;
        signs.clear();
      }
      first = false;
      remember(kept.filter(({ id }) => id <= last));
    },
  };
}

type Names = Pick<TracedEvent, 'stream' | 'initiative'>;

/** What is known by a stream's key, read again when a key is not known yet; a key that no stream has stands for itself. */
function createNames(): (state: StateStore, key: string | null) => Names {
  let names: ReadonlyMap<string, Names> = new Map();
  return (state, key) => {
    if (key === null) return { stream: null, initiative: null };
    if (!names.has(key)) {
      const { readable, unreadable } = state.allRecords();
      const known = new Map<string, Names>();
      for (const [each, { streamId }] of unreadable) known.set(each, { stream: streamId, initiative: null });
      for (const [each, { streamId, initiativeId }] of readable)
        known.set(each, { stream: streamId, initiative: initiativeId });
      names = known;
    }
    return names.get(key) ?? { stream: key, initiative: null };
  };
}
