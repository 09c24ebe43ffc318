/** Where a stream's log comes from: each run's conversations or pane output, and our events about it. */
import { join } from 'node:path';
import { runDir } from '../../app/paths.ts';
import type { Ports } from '../../app/ports.ts';
import type { Run } from '../../core/types.ts';
import type { LogSource, LogSources } from '../../view/log/log.ts';

/** Sources of the stream's runs, asked anew at each reading; `run` limits them to one run. */
export function logSources(ports: Ports, key: string, run: number | null = null): LogSources {
  const runsOf = (): readonly Run[] => {
    const initiative = ports.plan.currentInitiative()?.id ?? '';
    return ports.state.records(initiative).get(key)?.runs ?? [];
  };
  return {
    conversation: ports.agent.conversation,
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
  const transcripts = ports.agent.transcripts(run);
  if (transcripts.length > 0) return transcripts.map((path) => ({ kind: 'transcript', path }));
  // What a full-screen agent draws before its first word is no log, unless it never came to a word.
  if (ports.agent.interactive && run.endedAtMs === null) return [];
  return [{ kind: 'bytes', path: join(runDir(ports.paths, run.key, run.number), 'pane.log') }];
}

/** Only what happened during the run: a resumed conversation is in one file with the runs before. */
function within(run: Run): (source: LogSource) => LogSource {
  const between = { fromMs: run.startedAtMs, toMs: run.endedAtMs ?? Number.POSITIVE_INFINITY };
  return (source) => ({ ...source, between });
}

function distinct(sources: readonly LogSource[]): LogSource[] {
  return [...new Map(sources.map((source) => [source.path, source])).values()];
}
