/** `watch`: the live summary; drawn anew at every change, on resize, and every few seconds for the ages. */
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Ports } from '../app/ports.ts';
import { withPorts } from '../app/wiring.ts';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { isSummary, keepView } from '../poller/listeners/windows.ts';
import { createAlarm } from '../poller/wake.ts';
import { type Gathered, gatherReport } from '../report/gather.ts';
import type { StatusReport } from '../report/types.ts';
import { watchDatabases } from '../sqlite/watch.ts';
import { IN_MEMORY } from '../state/state-schema.ts';
import { createScreen, type Screen } from '../view/summary/screen.ts';
import { renderSummary } from '../view/summary/summary.ts';
import type { Flags } from './definition.ts';
import { type Io, wantsUnicode } from './io.ts';

const DEFAULT_SECONDS = 15;
/** Changes in quick succession are drawn together: while work is handed on, each look would take its share of a core. */
const SETTLE_MS = 200;

export async function run(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  const seconds = secondsOf(args[0]);
  if (io.json) return printReports(io, seconds * 1000);
  for (;;) {
    const code = await withPorts(io, { create: false }, (ports) => watchSummary(ports, io, seconds * 1000));
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
    `the interval is a number of seconds, not ${JSON.stringify(text)}`,
    'orchestrate watch 5',
  );
}

async function watchSummary(ports: Ports, io: Io, everyMs: number): Promise<number> {
  const alarm = createAlarm();
  const screen = createScreen(process.stdout, process.stdin);
  const picture = createPicture(ports, io, screen);
  let over = false;
  let ofSession = false;
  screen.onRedraw(() => {
    picture.again();
    alarm.ring();
  });
  screen.onQuit(() => {
    // The session's own stays: whoever wants to leave detaches.
    over = !ofSession;
    alarm.ring();
  });
  const stores = watchDatabases(
    [ports.plan, ports.state].map((store) => ({ path: store.path, check: () => store.changeToken() })),
    alarm.ring,
  );
  try {
    while (!over) {
      if (startedMeanwhile(ports)) return STARTED;
      ofSession = await look(ports, io, picture, !ofSession);
      await alarm.wait(everyMs);
      await pause(SETTLE_MS);
    }
    return EXIT.ok;
  } finally {
    stores.close();
    screen.close();
  }
}

/** What the screen shows: the last report at the present time and size, or why there is none. */
type Picture = {
  show(what: StatusReport | string): void;
  /** The same once more, for a terminal that changed: without a look, so that nobody waits in front of an empty screen. */
  again(): void;
};

function createPicture(ports: Ports, io: Io, screen: Screen): Picture {
  const unicode = wantsUnicode(io.env);
  let shown: StatusReport | string | null = null;
  const again = (): void => {
    const { columns, rows } = screen.size();
    if (typeof shown === 'string') screen.draw([shown.slice(0, columns)]);
    else if (shown !== null) {
      screen.draw(renderSummary(shown, { columns, rows, colour: io.colour, unicode, nowMs: ports.now() }));
    }
  };
  return {
    again,
    show(what) {
      shown = what;
      again();
    },
  };
}

/**
 * Looks and shows. A look that failed is shown in place of the summary: the next one may succeed. True in the process that
 * is the session's summary.
 */
async function look(ports: Ports, io: Io, picture: Picture, first: boolean): Promise<boolean> {
  try {
    const gathered = await gatherReport(ports);
    picture.show(gathered.report);
    if (!isSummary(gathered, process.pid)) return false;
    // So that the keys are there however a user attaches.
    if (first) await ports.tmux.bindKeys();
    await keepSession(ports, gathered, io);
    return true;
  } catch (error) {
    picture.show(`orchestrate: ${messageOf(error)}`);
    return false;
  }
}

/** The summary of the session also keeps its view, and does what a key of it asks for. */
async function keepSession(ports: Ports, gathered: Gathered, io: Io): Promise<void> {
  await keepView(ports, gathered, wantsUnicode(io.env));
  const request = gathered.look.tmux.known ? (gathered.look.tmux.value.view?.request ?? '') : '';
  if (request !== '') await obey(ports, request, io);
}

/** `stop KEY`, asked for by a key; how it went is told on the status line. */
async function obey(ports: Ports, request: string, io: Io): Promise<void> {
  await ports.tmux.clearRequest();
  const [verb, key = ''] = request.split(' ');
  if (verb !== 'stop') return;
  const quiet: Io = { ...io, print: () => undefined, warn: () => undefined, write: () => undefined };
  const { run: stop } = await import('./stop.ts');
  const said = await stop([key], {}, quiet).then(() => `stopped ${key}`, messageOf);
  await ports.tmux.message(said);
}
