/** The poller in the foreground: live progress lines, a closing summary, and an end within two seconds of a signal. */

import { setFlagsFromString } from 'node:v8';
import { type Ports, policyOf } from '../app/ports.ts';
import { leaveOnSignals } from '../app/signals.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { plural } from '../core/printable.ts';
import { isFinished } from '../core/states.ts';
import { lastEvent } from '../operator/intent.ts';
import { gatherReport } from '../report/gather.ts';
import type { Lease } from '../state/types.ts';
import { renderFinal } from '../view/pages/progress-lines.ts';
import { heldBackLines } from '../view/summary/held-back.ts';
import { allListeners } from './listeners/all.ts';
import type { PollerEnd } from './listeners/listener.ts';
import type { Progress } from './listeners/progress-log.ts';
import { poll } from './run-poller.ts';

/** Where the poller shows itself. */
export type Output = Progress & { readonly warn: (line: string) => void };

export type ForegroundRequest = {
  /** Ids of the streams that it is limited to; empty for all. */
  readonly named: readonly string[];
  readonly once: boolean;
  readonly output: Output;
  readonly lease: Lease;
};

/** Longest time between hearing of a signal and the end of the process. */
const LEAVE_MS = 1_200;
/** No signal is heard of while a call waits for a lock on a store: so long at most, and not at all once one was heard. */
const LOCK_WAIT_MS = 600;

/**
 * Lets V8 collect before it grows: a poller lives for hours beside many agents, and its garbage is made in bursts. Both flags
 * are read again at each collection, so that setting them late is safe; with 1,000 streams they save a quarter of the memory
 * (seen with Node 20) for some milliseconds a look.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=30');
  // The entry keeps the compiled code at the end, with the flags of that moment, and V8 refuses it under others.
  process.prependOnceListener('exit', () => {
    setFlagsFromString('--semi-space-growth-factor=2');
    setFlagsFromString('--heap-growing-percent=0');
  });
}

/** Polls until the end; returns the exit code. The caller holds the lease. Throws as `poll` does. */
export async function pollInForeground(ports: Ports, request: ForegroundRequest): Promise<number> {
  const { output, named, once, lease } = request;
  const waitForLocks = (ms: number): void => {
    ports.state.waitAtMost(ms);
    ports.plan.waitAtMost(ms);
  };
  waitForLocks(LOCK_WAIT_MS);
  ports.processes.keepStarters();
  const leaving = leaveOnSignals(LEAVE_MS, (signal) => {
    waitForLocks(0);
    if (!output.json && signal === 'SIGINT') output.warn(detachedText(agentsAtWork(ports)));
  });
  const report = tellOnce((message) => output.warn(`orchestrate: warning: ${message}`));
  try {
    const end = await poll({
      ports,
      policy: policyOf(
        ports.config,
        ports.agent,
        named.length === 0 ? null : new Set(named),
        lastEvent(ports),
      ),
      once,
      lease,
      abort: leaving.signal,
      listeners: allListeners(ports, output, leaving.signal, report),
      report,
    });
    return leaving.code() ?? (await conclude(ports, end, request));
  } finally {
    leaving.stop();
  }
}

/** Agents whose runs are open; null where that cannot be read in the short time before the end. */
function agentsAtWork({ state }: Ports): number | null {
  try {
    const { readable } = state.openRecords();
    return readable.size;
  } catch (error) {
    if (error instanceof OrchestrateError) return null;
    throw error;
  }
}

/** What is said to whoever leaves: what goes on, and what does not. */
export function detachedText(agents: number | null): string {
  const goOn =
    agents === null
      ? 'Agents keep working, but nothing'
      : agents === 0
        ? 'No agent is at work, and nothing'
        : `${plural(agents, 'agent')} ${agents === 1 ? 'keeps' : 'keep'} working, but nothing`;
  return `Detached. ${goOn} new starts or is verified until: orchestrate start`;
}

/** What goes wrong at every tick is told once, until something else does. */
function tellOnce(tell: (message: string) => void): (message: string) => void {
  let last: string | null = null;
  return (message) => {
    if (message !== last) tell(message);
    last = message;
  };
}

/** Prints how it ended and returns the exit code. */
async function conclude(ports: Ports, end: PollerEnd, { output, named }: ForegroundRequest): Promise<number> {
  const { report } = await gatherReport(ports);
  if (output.json) output.print(JSON.stringify(report));
  else {
    const look = { colour: output.colour, unicode: output.unicode, columns: output.columns() ?? 100 };
    for (const line of renderFinal(report, look)) output.print(line);
    for (const line of heldBackLines(report.streams, named)) output.warn(line);
  }
  if (end.why === 'once') return EXIT.ok;
  const wanted = report.streams.filter((stream) => named.length === 0 || named.includes(stream.id));
  return wanted.every(isFinished) ? EXIT.ok : EXIT.unfinished;
}
