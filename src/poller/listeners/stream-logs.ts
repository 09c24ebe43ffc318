/** Keeps `logs/<key>.log` of every stream with a run up to date, from the poller's ticks; at most once a second each. */
import { join } from 'node:path';
import { runDir } from '../../app/paths.ts';
import type { Ports } from '../../app/ports.ts';
import type { Run, StreamRecord } from '../../core/types.ts';
import type { LogSource, LogSources } from '../../view/log/log.ts';
import { openStreamLog, type StreamLog } from '../../view/log/log-file.ts';
import { type Listener, reporting } from './listener.ts';

const UPDATE_EACH_MS = 1_000;
const SOON_MS = 300;

/**
 * Each update is put off to a timer: to after what the tick has set off, and to a second after the last one; so nothing is left
 * out at a pause. `close` writes the rest.
 */
export function streamLogs(ports: Ports, report: (message: string) => void): Listener {
  const open = new Map<string, StreamLog>();
  let lastMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;
  const attempt = reporting('stream logs', report);
  const writeOne = (record: StreamRecord): void => {
    const log =
      open.get(record.key) ?? openStreamLog(streamLogFile(ports, record.key), logSources(ports, record.key));
    open.set(record.key, log);
    log.update(record.runs.at(-1)?.endedAtMs !== null);
  };
  const write = (isDue: (record: StreamRecord) => boolean): void => {
    lastMs = performance.now();
    const records = ports.state.records(ports.plan.currentInitiative()?.id ?? '');
    for (const record of records.values())
      if (record.runs.length > 0 && isDue(record)) attempt(() => writeOne(record));
  };
  const update = (): void => {
    const waitMs = Math.max(SOON_MS, lastMs + UPDATE_EACH_MS - performance.now());
    timer ??= setTimeout(() => {
      timer = null;
      attempt(() => write(isSettled));
    }, waitMs).unref();
  };
  return {
    name: 'stream logs',
    onStates: update,
    onOutcome: update,
    close() {
      if (timer !== null) clearTimeout(timer);
      write(() => true);
    },
  };
}

/** False while an agent is being launched: it may have printed before its start is noted, and what is written stays in its order. */
function isSettled({ step }: StreamRecord): boolean {
  return step?.kind !== 'launch';
}

export function streamLogFile({ paths }: Ports, key: string): string {
  return join(paths.logsDir, `${key}.log`);
}

/** Sources of the stream's runs, asked for at each reading; `run` limits them to one run. */
export function logSources(ports: Ports, key: string, run: number | null = null): LogSources {
  const runsOf = (): readonly Run[] => {
    const initiative = ports.plan.currentInitiative()?.id ?? '';
    return ports.state.records(initiative).get(key)?.runs ?? [];
  };
  return {
    files: () => {
      const runs = runsOf();
      if (run === null) return distinct(runs.flatMap((each) => sourcesOf(ports, each)));
      return runs
        .filter((each) => each.number === run)
        .flatMap((each) => sourcesOf(ports, each).map(within(each)));
    },
    events: (sinceId) =>
      ports.state
        .events({ key, sinceId })
        .filter((event) => run === null || event.run === null || event.run === run),
  };
}

function sourcesOf(ports: Ports, run: Run): LogSource[] {
  const { conversation, interactive, transcripts } = ports.agentThatMade(run);
  const told = transcripts(run);
  if (told.length > 0) return told.map((path) => ({ kind: 'transcript', path, conversation }));
  // What a full-screen agent draws before its first word is no log, unless it never came to a word.
  if (interactive && run.endedAtMs === null) return [];
  return [{ kind: 'bytes', path: join(runDir(ports.paths, run.key, run.number), 'pane.log'), conversation }];
}

/** Only what happened during the run: a resumed conversation is in one file with the runs before. */
function within(run: Run): (source: LogSource) => LogSource {
  const between = { fromMs: run.startedAtMs, toMs: run.endedAtMs ?? Number.POSITIVE_INFINITY };
  return (source) => ({ ...source, between });
}

function distinct(sources: readonly LogSource[]): LogSource[] {
  return [...new Map(sources.map((source) => [source.path, source])).values()];
}
