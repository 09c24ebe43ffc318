/** Keeps `logs/<key>.log` of every stream with a run up to date, from the poller's ticks; at most once a second each. */
import { join } from 'node:path';
import type { Ports } from '../../app/ports.ts';
import type { StreamRecord } from '../../core/types.ts';
import { openStreamLog, type StreamLog } from '../../view/log/log-file.ts';
import { attemptWith } from '../attempt.ts';
import { logSources } from './log-sources.ts';

const UPDATE_EACH_MS = 1_000;

/** Returns the updater, which tells `onTrouble` of a log that can't be written; an update in the last second is put off to a timer, so that nothing is left out at a pause. `close` writes the rest. */
export function createStreamLogs(
  ports: Ports,
  onTrouble: (message: string) => void,
): { update(): void; close(): void } {
  const open = new Map<string, StreamLog>();
  let lastMs = 0;
  let timer: NodeJS.Timeout | null = null;
  const attempt = attemptWith(onTrouble);
  const writeOne = (record: StreamRecord): void => {
    const log =
      open.get(record.key) ??
      openStreamLog(join(ports.paths.logsDir, `${record.key}.log`), logSources(ports, record.key));
    open.set(record.key, log);
    log.update(record.runs.at(-1)?.endedAtMs !== null);
  };
  const writeAll = (): void => {
    lastMs = ports.now();
    const records = ports.state.records(ports.plan.currentInitiative()?.id ?? '');
    for (const record of records.values()) if (record.runs.length > 0) attempt(() => writeOne(record));
  };
  const write = (): void => attempt(writeAll);
  return {
    update() {
      const waitMs = lastMs + UPDATE_EACH_MS - ports.now();
      if (waitMs <= 0) write();
      else if (timer === null) {
        timer = setTimeout(() => {
          timer = null;
          write();
        }, waitMs);
        timer.unref();
      }
    },
    close() {
      if (timer !== null) clearTimeout(timer);
      write();
    },
  };
}
