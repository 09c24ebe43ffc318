/** Follows all that tells of one stream, its agents' conversations or output and our own events, as one readable log. */
import { eventTraits, type OrchestrateEvent } from '../../core/events.ts';
import { type ReadUpTo, readGrown } from '../../files/grown-lines.ts';
import { type LogLine, sortByTime } from './log-line.ts';
import { readablePaneBytes } from './readable-bytes.ts';

export { createLogPrinter, formatLogLine, type LogLine } from './log-line.ts';

/** A file that tells of a stream: a conversation's transcript, or the bytes that a worker wrote to its pane. */
export type LogSource = {
  readonly kind: 'transcript' | 'bytes';
  readonly path: string;
  /** Reads what the agent of the run wrote. */
  readonly conversation: RecordsReader;
  /** Only what happened in this time; a resumed conversation holds more than one run. */
  readonly between?: { readonly fromMs: number; readonly toMs: number };
};

/** What has been read so far; plain data, so that it can be kept on disk. */
export type LogPlaces = {
  readonly files: Readonly<Record<string, ReadUpTo>>;
  /** Id of the last event told. */
  readonly event: number;
};

export const NO_PLACES: LogPlaces = { files: {}, event: 0 };

/** How an agent's own records are told: lines of a transcript, and a line of its pane (null: not one of its records). */
export type RecordsReader = {
  readonly transcript: (lines: readonly string[]) => readonly LogLine[];
  readonly output: (line: string) => readonly LogLine[] | null;
};

/** What a follower reads: asked again each time, since runs (and so files) are added. */
export type LogSources = {
  readonly files: () => readonly LogSource[];
  /** Events after this id, oldest first. */
  readonly events: (sinceId: number) => readonly OrchestrateEvent[];
};

export type LogFollower = {
  /** The lines since the last call, in the order of time; empty when there are none. `rest`: also unfinished last lines. */
  next(rest?: boolean): LogLine[];
  places(): LogPlaces;
};

/** Follows the sources from `places` on. */
export function createLogFollower(sources: LogSources, places: LogPlaces = NO_PLACES): LogFollower {
  const positions = new Map(Object.entries(places.files));
  let event = places.event;

  const readSource = (source: LogSource, rest: boolean): LogLine[] => {
    const { conversation } = source;
    const lines: LogLine[] = [];
    for (;;) {
      const part = readGrown(source.path, positions.get(source.path) ?? null, { rest });
      if (part === null) return lines;
      positions.set(source.path, part.readUpTo);
      if (source.kind === 'transcript')
        lines.push(
          ...conversation.transcript(part.text.split('\n')).filter((line) => isWithin(line, source)),
        );
      else
        lines.push(
          ...readablePaneBytes(part.text, conversation.output).map((line) => ({
            ...line,
            atMs: line.atMs ?? part.atMs,
          })),
        );
    }
  };
  return {
    next: (rest = false) => {
      const told = sources.files().flatMap((source) => readSource(source, rest));
      const events = sources.events(event);
      event = events.at(-1)?.id ?? event;
      return sortByTime([...told, ...events.map(eventLine)]);
    },
    places: () => ({ files: Object.fromEntries(positions), event }),
  };
}

function isWithin({ atMs }: LogLine, { between }: LogSource): boolean {
  return between === undefined || atMs === null || (atMs >= between.fromMs && atMs <= between.toMs);
}

/** `-- started (run 1)`, `-- needs-input: wants to run … (run 1)`, `-- run 1 failed: …`; a `!` before what went wrong. */
function eventLine({ atMs, kind, message, run }: OrchestrateEvent): LogLine {
  const [, outcome] = /^run-(.+)$/.exec(kind) ?? [];
  const more = message === '' ? '' : `: ${message}`;
  if (outcome !== undefined) return { atMs, text: `-- run ${run ?? ''} ${outcome}${more}` };
  const { mark } = eventTraits(kind);
  const trouble = mark === 'trouble' ? '! ' : '';
  const said = mark === 'state' ? `${kind}${more}` : `${trouble}${message === '' ? kind : message}`;
  return { atMs, text: `-- ${said}${run === null || said.endsWith(`(run ${run})`) ? '' : ` (run ${run})`}` };
}
