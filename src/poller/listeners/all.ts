/** Every listener of the poller, in the order in which they are called, with the reasons for it. */
import type { Ports } from '../../app/ports.ts';
import { landingQueue } from './auto-landing.ts';
import type { Listener } from './listener.ts';
import { notifier } from './notify.ts';
import { type Progress, progress } from './progress-log.ts';
import { publisher, usage, workerFacts } from './run-facts.ts';
import { streamLogs } from './stream-logs.ts';
import { sweeper } from './sweep.ts';
import { tmuxServer, transitions } from './transitions.ts';
import { lostWindows, summaryPane } from './windows.ts';

/** The listeners of a poller that runs until `abort`. `report` is told of what goes wrong outside of a tick. */
export function allListeners(
  ports: Ports,
  output: Progress,
  abort: AbortSignal,
  report: (message: string) => void,
): readonly Listener[] {
  return [
    // First: the steps that are decided on this look, and all the others, read what it writes down.
    publisher(ports, report),
    workerFacts(ports),
    usage(ports),
    lostWindows(ports),
    summaryPane(ports, report),
    // These write events, …
    landingQueue(ports, abort, report),
    tmuxServer(ports),
    transitions(ports),
    notifier(ports, abort, report),
    // … which these two show.
    progress(ports, output),
    streamLogs(ports, report),
    // Last: nobody waits for it.
    sweeper(ports, report),
  ];
}
