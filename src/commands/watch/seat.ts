/** Where the user sits: the live summary's model between the keyboard, the screen and what is done; a key is answered before anything is asked. */
import type { Ports } from '../../app/ports.ts';
import { messageOf } from '../../core/errors.ts';
import type { ReportStream } from '../../report/types.ts';
import {
  type Cockpit,
  type CockpitEvent,
  createCockpit,
  type Detail,
  type PageKind,
  type PlanVerb,
  selectedOf,
  type Verb,
  type Wish,
} from '../../view/summary/cockpit.ts';
import { drawCockpit } from '../../view/summary/cockpit-draw.ts';
import { update } from '../../view/summary/cockpit-keys.ts';
import { layoutOf } from '../../view/summary/layout.ts';
import type { Screen } from '../../view/summary/screen.ts';
import { type Io, wantsUnicode } from '../io.ts';
import {
  act,
  attachTo,
  type DeedAnswer,
  doWithPlan,
  readDetail,
  readPage,
  sendText,
  toggleView,
} from './deeds.ts';

export type Seat = {
  /** This process is the session's summary: it is left by detaching, and opens panes beside itself. */
  inSession(): void;
  take(event: CockpitEvent): void;
  close(): void;
};

export type SeatDoors = {
  readonly ports: Ports;
  readonly io: Io;
  readonly screen: Screen;
  /** Asks for a look. */
  ring(): void;
  quit(): void;
};

/** Between two reports ages stand for so long: to lay all rows out again for them would hold up a key among a thousand streams. */
const AGES_STAND_MS = 15_000;
/** A cursor that rests this long is asked about; while the agent is answered its pane is read this often. */
const REST_MS = 120;
const LIVE_MS = 700;

/** Sits down in front of the screen; what is shown begins with the first report. */
export function createSeat(doors: SeatDoors): Seat {
  const { ports, io, screen } = doors;
  const unicode = wantsUnicode(io.env);
  let model = createCockpit(screen.keys);
  let session = false;
  let agesAtMs = ports.now();
  let agesTakenMs = Number.NEGATIVE_INFINITY;
  const draw = (): void => {
    if (model.report === null && model.trouble === null) return;
    if (performance.now() - agesTakenMs > AGES_STAND_MS) {
      agesAtMs = ports.now();
      agesTakenMs = performance.now();
    }
    const look = { ...screen.size(), colour: io.colour, unicode, nowMs: agesAtMs, session };
    screen.draw(drawCockpit(model, look));
  };
  const watchOver = createReader(
    doors,
    () => model,
    (event) => take(event),
  );
  const take = (event: CockpitEvent): void => {
    const next = update(model, event, screen.size());
    model = next.model;
    if (event.kind === 'report') agesTakenMs = Number.NEGATIVE_INFINITY;
    draw();
    watchOver.after(event);
    if (next.wish !== null) grant(next.wish);
  };
  const grant = (wish: Wish): void => {
    if (wish.wish === 'quit') {
      if (session) take(said('Detach with your tmux prefix and d.'));
      else doors.quit();
      return;
    }
    const stream = selectedOf(model);
    void fulfil(wish, stream, { ...doors, session, take }).catch((error: unknown) =>
      take({ kind: 'said', text: messageOf(error), good: false }),
    );
  };
  screen.onRedraw(() => {
    draw();
    doors.ring();
  });
  screen.onKey(take);
  const inSession = (): void => {
    session = true;
  };
  return { take, inSession, close: watchOver.close };
}

const said = (text: string): CockpitEvent => ({ kind: 'said', text, good: true });

type Fulfilling = SeatDoors & { readonly session: boolean; take(event: CockpitEvent): void };

/** Does what was wished for, and says how it went. */
async function fulfil(wish: Wish, stream: ReportStream | null, doors: Fulfilling): Promise<void> {
  const { io } = doors;
  switch (wish.wish) {
    case 'quit':
      return;
    case 'view':
      return answered(toggleView(io), doors);
    case 'plan':
      return plan(wish.what, wish.dryRun, doors);
    case 'send':
      return sent(wish, doors);
    default:
      if (stream?.id === wish.id) return fulfilFor(wish.what, stream, doors);
  }
}

/** The same of what is wished for the stream at the cursor; null: its pane. */
async function fulfilFor(
  what: Verb | PageKind | null,
  stream: ReportStream,
  doors: Fulfilling,
): Promise<void> {
  const { io, take, ports } = doors;
  if (what === null) return open(stream, doors);
  if (what === 'log' || what === 'gate' || what === 'diff')
    return take({ kind: 'page', ...(await readPage(ports, what, stream, io)) });
  return answered(act(what, stream.id, io), doors, `${what === 'fresh' ? 'retry' : what} ${stream.id} …`);
}

/** What was not sent is not lost: it stands in the line again. */
async function sent({ id, text }: Extract<Wish, { wish: 'send' }>, doors: Fulfilling): Promise<void> {
  const deed = sendText(id, text, doors.io);
  await answered(deed, doors, `sending to ${id} …`);
  if (!(await deed).good) doors.take({ kind: 'unsent', id, text });
}

/** Shows that something is under way, then its answer; what it changed is looked at. */
async function answered(
  deed: Promise<DeedAnswer>,
  { take, ring, session, ports }: Fulfilling,
  underWay?: string,
): Promise<void> {
  if (underWay !== undefined) take(said(underWay));
  const { text, good } = await deed;
  take({ kind: 'said', text, good });
  ring();
  // Asked for by a key of the session the user may look at another window.
  if (session) await ports.tmux.message(text);
}

/** What it would do, or did, is a page to read; what it changed is looked at. */
async function plan(what: PlanVerb, dryRun: boolean, { io, take, ring }: Fulfilling): Promise<void> {
  take(said(`${what}${dryRun ? ' --dry-run' : ''} …`));
  const came = await doWithPlan(what, dryRun, io);
  take('page' in came ? { kind: 'page', ...came.page } : { kind: 'said', ...came });
  ring();
}

/** To the stream's pane: beside the session's own summary at once, else with the terminal lent to tmux. */
async function open(stream: ReportStream, { ports, io, screen, session, take }: Fulfilling): Promise<void> {
  const { pane, id } = stream;
  if (pane !== null && session) {
    await ports.tmux.attach(pane);
    return;
  }
  const { text, good } = await (session ? attachTo(id, io) : screen.lend(() => attachTo(id, io)));
  if (!good) take({ kind: 'said', text, good });
}

/** The stream that the picture tells more of, with what is known of it and need not be read again while its pane is watched. */
function wantedOf(
  model: Cockpit,
  screen: Screen,
): { readonly stream: ReportStream; readonly known: Detail | null } | null {
  const stream = selectedOf(model);
  const live = model.mode.kind === 'answer';
  if (stream === null || (!live && layoutOf(model.rows, screen.size()).panel === 0)) return null;
  return { stream, known: live && model.detail?.id === stream.id ? model.detail : null };
}

/** Reads what is told of the stream at the cursor: once it rests there, with each report, and live while it is answered. */
function createReader(
  { ports, screen }: SeatDoors,
  modelOf: () => Cockpit,
  take: (event: CockpitEvent) => void,
) {
  let timer: NodeJS.Timeout | null = null;
  let asked: string | null = null;
  let closed = false;
  const tell = (event: CockpitEvent): void => {
    if (!closed) take(event);
  };
  const read = async (): Promise<void> => {
    const wanted = wantedOf(modelOf(), screen);
    if (wanted === null) return;
    const { stream, known } = wanted;
    await readDetail(ports, stream, known === null).then(
      (now) => tell({ kind: 'detail', detail: known === null ? now : { ...known, screen: now.screen } }),
      (error: unknown) => tell({ kind: 'said', text: messageOf(error), good: false }),
    );
  };
  const plan = (afterMs: number): void => {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => {
      timer = null;
      void read();
    }, afterMs);
  };
  return {
    /** What the last event asks to be read. */
    after(event: CockpitEvent): void {
      const { cursor, mode } = modelOf();
      const moved = cursor !== asked;
      asked = cursor;
      if (event.kind === 'detail' && mode.kind === 'answer') plan(LIVE_MS);
      else if (moved || event.kind === 'report' || event.kind === 'page') plan(REST_MS);
      else if (mode.kind === 'answer' && timer === null && event.kind !== 'said') plan(REST_MS);
    },
    close(): void {
      closed = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
