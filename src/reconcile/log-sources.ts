/** Where a stream's log comes from: each run's conversation or pane output, and our events about it. */
import { join } from 'node:path';
import { runDir } from '../paths.ts';
import type { LogSource, LogSources } from '../view/log.ts';
import type { Ports } from './ports.ts';

/** Sources of the stream's runs, asked anew at each reading; `run` limits them to one run. */
export function logSources(ports: Ports, key: string, run: number | null = null): LogSources {
  return {
    files: () => {
      const initiative = ports.plan.currentInitiative()?.id ?? '';
      const runs = ports.state.records(initiative).get(key)?.runs ?? [];
      return runs
        .filter((each) => run === null || each.number === run)
        .map((each): LogSource => {
          const transcript = ports.agent.transcript(each);
          return transcript === null
            ? { kind: 'bytes', path: join(runDir(ports.paths, key, each.number), 'pane.log') }
            : { kind: 'transcript', path: transcript };
        });
    },
    events: (sinceId) =>
      ports.state
        .events({ key, sinceId })
        .filter((event) => run === null || event.run === null || event.run === run),
  };
}
