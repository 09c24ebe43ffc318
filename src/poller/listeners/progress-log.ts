/** Prints events as they happen, and keeps all of them in the poller's own log. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ports } from '../../app/ports.ts';
import { eventTraits, type OrchestrateEvent } from '../../core/events.ts';
import { shortPaths } from '../../report/urgency.ts';
import { describeEvent } from '../../view/pages/progress-lines.ts';
import { privateDirectory } from '../steps/step.ts';
import type { Listener } from './listener.ts';

/** Where progress is shown, and how. */
export type Progress = {
  /** Data is asked for, so that no line of progress is printed. */
  readonly json: boolean;
  readonly colour: boolean;
  readonly unicode: boolean;
  readonly columns: () => number | null;
  readonly print: (line: string) => void;
};

/** Tells events that are new since it was made. */
export function progress(ports: Ports, output: Progress): Listener {
  let lastId = ports.state.events({ limit: 1 }).at(-1)?.id ?? 0;
  const file = join(privateDirectory(ports.paths.logsDir), 'orchestrator.log');
  // On a screen each column counts; the log has whole paths.
  const short = (event: OrchestrateEvent): OrchestrateEvent => ({
    ...event,
    message: shortPaths(event.message, ports.paths.root),
  });
  const tell = (): void => {
    const events = ports.state.events({ sinceId: lastId });
    lastId = events.at(-1)?.id ?? lastId;
    const records = ports.state.records(ports.plan.currentInitiative()?.id ?? '');
    const look = {
      unicode: output.unicode,
      streamOf: (key: string) => records.get(key)?.streamId ?? null,
    };
    for (const event of events) {
      if (!output.json && eventTraits(event.kind).told)
        output.print(
          describeEvent(short(event), { ...look, colour: output.colour, columns: output.columns() }),
        );
      const line = describeEvent(event, { ...look, colour: false, columns: null });
      appendFileSync(file, `${new Date(event.atMs).toISOString().slice(0, 10)} ${line}\n`, { mode: 0o600 });
    }
  };
  return { name: 'progress', onStates: tell, onOutcome: tell, close: tell };
}
