/** The live summary as a thing that is steered: what is looked at, where the cursor is, and what stays in its place when the report changes. */
import type { ReportStream, StatusReport } from '../../report/types.ts';
import { byDepth, forScreen, waitingForYou } from '../../report/urgency.ts';
import type { Key } from './keys.ts';
import { layoutOf, type ScreenSize } from './layout.ts';

/** What can be done about the stream at the cursor: each is a command of that name (`fresh`: `retry --fresh`). */
export type Verb = 'stop' | 'park' | 'retry' | 'fresh' | 'verify' | 'resolve';
/** What can be read of it on a page. */
export type PageKind = 'log' | 'gate' | 'diff';
/** What can be done with the whole plan, each a command: first what it would do is shown. */
export type PlanVerb = 'merge' | 'clean';
/** What is done of these only after a question. */
export type Asked = 'stop' | 'park' | 'retry' | 'fresh';

export type PageContent = {
  readonly title: string;
  readonly lines: readonly string[];
  readonly of: PageKind | PlanVerb | 'help';
  /** What is done when the user agrees to what the page shows; null: it is only to be read. */
  readonly offers: PlanVerb | null;
};

/** What is known of the stream at the cursor beyond the report; `screen`: the last lines of its pane. */
export type Detail = {
  readonly id: string;
  readonly tasks: readonly { readonly title: string; readonly status: string }[];
  readonly commit: string | null;
  readonly screen: readonly string[] | null;
};

export type Mode =
  | { readonly kind: 'list' }
  | { readonly kind: 'filter' }
  /** What its agent shows, with a line to answer. */
  | { readonly kind: 'answer'; readonly text: string }
  | { readonly kind: 'confirm'; readonly verb: Asked; readonly id: string }
  | (PageContent & { readonly kind: 'page'; readonly top: number });

/** Everything that the picture is drawn from. */
export type Cockpit = {
  readonly report: StatusReport | null;
  /** Why there is no report. */
  readonly trouble: string | null;
  /** Streams that the filter lets through, in the plan's order. */
  readonly rows: readonly ReportStream[];
  /** Id of the stream at the cursor; stays with it wherever its row goes. */
  readonly cursor: string | null;
  /** Rows that are scrolled out above. */
  readonly top: number;
  readonly filter: string;
  readonly mode: Mode;
  /** The answer to what was done last. */
  readonly said: { readonly text: string; readonly good: boolean } | null;
  readonly detail: Detail | null;
  /** There is a keyboard: else the cursor follows who waits for the user. */
  readonly attended: boolean;
};

/** What the shell has to do after a key; the model itself does nothing. */
export type Wish =
  | { readonly wish: 'open' | 'verb' | 'read'; readonly id: string; readonly what: Verb | PageKind | null }
  | { readonly wish: 'send'; readonly id: string; readonly text: string }
  /** `dryRun`: only to say what it would do. */
  | { readonly wish: 'plan'; readonly what: PlanVerb; readonly dryRun: boolean }
  | { readonly wish: 'view' | 'quit' };

export type CockpitEvent =
  | Key
  | { readonly kind: 'report'; readonly report: StatusReport }
  | { readonly kind: 'trouble'; readonly text: string }
  | { readonly kind: 'detail'; readonly detail: Detail }
  | { readonly kind: 'said'; readonly text: string; readonly good: boolean }
  /** What was to be sent to the stream, and was not. */
  | { readonly kind: 'unsent'; readonly id: string; readonly text: string }
  | (PageContent & { readonly kind: 'page' })
  /** A key of the session asked for something of the stream with this key. */
  | { readonly kind: 'request'; readonly verb: string; readonly key: string };

export type Updated = { readonly model: Cockpit; readonly wish: Wish | null };

export function createCockpit(attended: boolean): Cockpit {
  const empty = { report: null, trouble: null, rows: [], cursor: null, top: 0, filter: '', said: null };
  return { ...empty, mode: { kind: 'list' }, detail: null, attended };
}

/** The stream at the cursor. */
export function selectedOf({ rows, cursor }: Pick<Cockpit, 'rows' | 'cursor'>): ReportStream | null {
  return rows.find(({ id }) => id === cursor) ?? null;
}

function passes({ id, name, state }: ReportStream, filter: string): boolean {
  return filter === '' || `${id}\n${name}\n${state}`.toLowerCase().includes(filter.toLowerCase());
}

/** The model with another report: the cursor stays at its stream. */
export function withReport(model: Cockpit, whole: StatusReport, size: ScreenSize): Cockpit {
  const report = forScreen(whole);
  const rows = byDepth(report.streams).filter((stream) => passes(stream, model.filter));
  return settled({ ...model, report, trouble: null, rows }, model.rows, size);
}

/** The cursor stays at its stream; where that has gone, at the row that took its place. The row is in sight. */
function settled(model: Cockpit, before: readonly ReportStream[], size: ScreenSize): Cockpit {
  const { rows, cursor, report } = model;
  const [first] = waitingForYou(rows);
  const place = before.findIndex(({ id }) => id === cursor);
  const stays = model.attended && rows.some(({ id }) => id === cursor);
  const next = place < 0 ? (first ?? rows[0]) : (rows[Math.min(place, rows.length - 1)] ?? rows[0]);
  const id = stays ? cursor : ((model.attended ? next : (first ?? rows[0]))?.id ?? null);
  const detail = model.detail?.id === id ? model.detail : null;
  return report === null ? model : scrolled({ ...model, cursor: id, detail }, size);
}

/** Scrolled so that the row at the cursor is in sight. */
export function scrolled(model: Cockpit, size: ScreenSize): Cockpit {
  const { list } = layoutOf(model.rows, size);
  const at = model.rows.findIndex(({ id }) => id === model.cursor);
  const most = Math.max(0, model.rows.length - list);
  const top = Math.min(Math.max(Math.min(model.top, at), at - list + 1), most);
  return { ...model, top: Math.max(0, top) };
}

/** The cursor at another row. */
export function moved(model: Cockpit, to: number, size: ScreenSize): Cockpit {
  const row = model.rows[Math.max(0, Math.min(to, model.rows.length - 1))];
  if (row === undefined) return model;
  const detail = model.detail?.id === row.id ? model.detail : null;
  return scrolled({ ...model, cursor: row.id, detail, said: null }, size);
}

/** Only the streams that another filter lets through. */
export function filtered(model: Cockpit, filter: string, size: ScreenSize): Cockpit {
  if (model.report === null) return { ...model, filter };
  const rows = byDepth(model.report.streams).filter((stream) => passes(stream, filter));
  return settled({ ...model, filter, rows }, model.rows, size);
}
