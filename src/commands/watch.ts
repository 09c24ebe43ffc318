/** `watch`: the live summary; redrawn at every change, on resize, and every few seconds for the ages. */
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Ports } from '../app/ports.ts';
import { withPorts } from '../app/wiring.ts';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { isSummary, keepView } from '../poller/listeners/windows.ts';
import { createAlarm } from '../poller/wake.ts';
import { type Gathered, gatherReport } from '../report/gather.ts';
import { watchDatabases } from '../sqlite/watch-databases.ts';
import { IN_MEMORY } from '../state/state-schema.ts';
import { renderStatus } from '../view/pages/status-text.ts';
import { createScreen, type Screen } from '../view/summary/screen.ts';
import type { Flags } from './definition.ts';
import { type Io, wantsUnicode } from './io.ts';
import { createSeat, type Seat } from './watch/seat.ts';

const DEFAULT_SECONDS = 15;
/** Changes in quick succession are drawn together: while work is handed on, each look would take its share of a core. */
const SETTLE_MS = 200;

export async function run(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  const seconds = secondsOf(args[0]);
  if (io.json) return printReports(io, seconds * 1000);
  return watchWith(io, seconds * 1000, (ports, doors) => summaryLooker(ports, io, doors));
}

/** Who is shown one look after another. */
export type Looker = {
  show(gathered: Gathered): Promise<void>;
  /** A look that failed: the next one may succeed. */
  fail(error: unknown): void;
  close(): void;
};

export type LookerDoors = {
  /** Asks for a look. */
  ring(): void;
  quit(): void;
};

/** Looks at every change and at least every `everyMs`, until the looker quits; its exit code. */
export async function watchWith(
  io: Io,
  everyMs: number,
  sit: (ports: Ports, doors: LookerDoors) => Looker,
): Promise<number> {
  for (;;) {
    const code = await withPorts(io, { create: false }, (ports) => watchProject(ports, everyMs, sit));
    if (code !== STARTED) return code;
  }
}

/** One report per interval, a line of JSON each, until the command is ended. */
async function printReports(io: Io, everyMs: number): Promise<never> {
  for (;;) {
    await withPorts(io, { create: false }, async (ports) => {
      io.print(JSON.stringify((await gatherReport(ports)).report));
      return EXIT.ok;
    });
    await pause(everyMs);
  }
}

/** The project was started while it was watched: there is a state.db to look into now. */
const STARTED = -1;

function startedMeanwhile({ state, paths }: Ports): boolean {
  return state.path === IN_MEMORY && existsSync(paths.stateDb);
}

/** The interval that was typed, in seconds, or the default; throws exit 2. */
export function secondsOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SECONDS;
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0.1 && seconds <= 86_400) return seconds;
  throw new OrchestrateError(
    EXIT.usage,
    `the interval is a number of seconds from 0.1 to 86400, not ${JSON.stringify(text)}`,
    'orchestrate watch 5',
  );
}

async function watchProject(
  ports: Ports,
  everyMs: number,
  sit: (ports: Ports, doors: LookerDoors) => Looker,
): Promise<number> {
  ports.processes.keepStarters();
  const alarm = createAlarm();
  let over = false;
  const quit = (): void => {
    over = true;
    alarm.ring();
  };
  const looker = sit(ports, { ring: alarm.ring, quit });
  const stores = watchDatabases(
    [ports.plan, ports.state].map((store) => ({ path: store.path, check: () => store.changeToken() })),
    alarm.ring,
  );
  try {
    for (let wokenNs: bigint | null = null; !over; await pause(SETTLE_MS)) {
      if (startedMeanwhile(ports)) return STARTED;
      await look(ports, looker, wokenNs);
      await alarm.wait(everyMs);
      // What the poller sees from here on is of after the change.
      wokenNs = process.hrtime.bigint();
    }
    return EXIT.ok;
  } finally {
    stores.close();
    looker.close();
  }
}

async function look(ports: Ports, looker: Looker, wokenNs: bigint | null): Promise<void> {
  try {
    await looker.show(await gatherReport(ports, false, wokenNs));
  } catch (error) {
    looker.fail(error);
  }
}

/** Where output goes that is no terminal: whole pictures, one after another, and nobody steers. */
function plainSeat(ports: Ports, io: Io, screen: Screen): Seat {
  const unicode = wantsUnicode(io.env);
  return {
    inSession: () => undefined,
    take(event) {
      const { columns } = screen.size();
      if (event.kind === 'trouble') screen.draw([event.text.slice(0, columns)]);
      if (event.kind === 'report')
        screen.draw(renderStatus(event.report, { columns, colour: io.colour, unicode, nowMs: ports.now() }));
    },
    close: () => undefined,
  };
}

/** Shows looks in the terminal; a look that failed is shown in place of the summary. */
function summaryLooker(ports: Ports, io: Io, doors: LookerDoors): Looker {
  const screen = createScreen(process.stdout, process.stdin);
  const seat = screen.live ? createSeat({ ports, io, screen, ...doors }) : plainSeat(ports, io, screen);
  // True in the process that is the session's summary.
  let ofSession = false;
  return {
    async show(gathered) {
      const first = !ofSession;
      ofSession = isSummary(gathered, process.pid);
      if (ofSession) seat.inSession();
      seat.take({ kind: 'report', report: gathered.report });
      if (!ofSession) return;
      // So that the keys are there however a user attaches.
      if (first) await ports.tmux.bindKeys();
      await keepSession(ports, gathered, io, seat);
    },
    fail(error) {
      ofSession = false;
      seat.take({ kind: 'trouble', text: `orchestrate: ${messageOf(error)}` });
    },
    close() {
      seat.close();
      screen.close();
    },
  };
}

/** The summary of the session also keeps its view, and does what a key of it asks for. */
async function keepSession(ports: Ports, gathered: Gathered, io: Io, seat: Seat): Promise<void> {
  await keepView(ports, gathered, wantsUnicode(io.env));
  const request = gathered.look.tmux.known ? (gathered.look.tmux.value.view?.request ?? '') : '';
  if (request === '') return;
  await ports.tmux.clearRequest();
  const [verb = '', key = ''] = request.split(' ');
  seat.take({ kind: 'request', verb, key });
}
