/** What a key, a click or an answer makes of the live summary, and what has to be done for it; pure, does nothing itself. */
import { traitsOf } from '../../core/states.ts';
import type { ReportStream } from '../../report/types.ts';
import { waitingForYou } from '../../report/urgency.ts';
import {
  type Asked,
  type Cockpit,
  type CockpitEvent,
  filtered,
  type Mode,
  moved,
  type PageContent,
  type PageKind,
  type PlanVerb,
  selectedOf,
  type Updated,
  type Verb,
  withReport,
} from './cockpit.ts';
import type { Key, KeyName } from './keys.ts';
import { helpLines } from './keys-help.ts';
import { type Layout, layoutOf, type ScreenSize } from './layout.ts';

const only = (model: Cockpit): Updated => ({ model, wish: null });
const say = (model: Cockpit, text: string, good = false): Updated => only({ ...model, said: { text, good } });

/** What follows from one event on a screen of this size. */
export function update(model: Cockpit, event: CockpitEvent, size: ScreenSize): Updated {
  switch (event.kind) {
    case 'report':
      return only(withReport(model, event.report, size));
    case 'trouble':
      return only({ ...model, trouble: event.text });
    case 'detail':
      return only(event.detail.id === model.cursor ? { ...model, detail: event.detail } : model);
    case 'said':
      return say(model, event.text, event.good);
    case 'unsent':
      return only(kept(model, event));
    case 'page':
      return only(opened(model, event, size));
    case 'request':
      return requested(model, event, size);
    default:
      return typed(model, event, size);
  }
}

/** What was not sent stands in the line again, unless something else was typed there since. */
function kept(model: Cockpit, { id, text }: Extract<CockpitEvent, { kind: 'unsent' }>): Cockpit {
  const isEmpty = model.mode.kind === 'answer' && model.mode.text === '';
  return isEmpty && id === model.cursor ? { ...model, mode: { kind: 'answer', text } } : model;
}

function opened(model: Cockpit, page: PageContent, { rows }: ScreenSize): Cockpit {
  const { title, lines, of, offers } = page;
  // Of a log what was written last is what one looks for.
  const top = of === 'log' || of === 'gate' ? Math.max(0, lines.length - (rows - 2)) : 0;
  return { ...model, said: null, mode: { kind: 'page', title, lines, of, offers, top } };
}

function typed(model: Cockpit, key: Key, size: ScreenSize): Updated {
  const { kind } = model.mode;
  // Several letters may come at once when one is held down, or on a slow line: each is a key, but where text is typed.
  const isText = kind === 'answer' || kind === 'filter';
  if (!isText && key.kind === 'text' && [...key.text].length > 1) return eachLetter(model, key.text, size);
  switch (model.mode.kind) {
    case 'page':
      return inPage(model, model.mode, key, size);
    case 'answer':
      return inAnswer(model, model.mode, key);
    case 'filter':
      return inFilter(model, key, size);
    case 'confirm':
      return inConfirm(model, model.mode, key);
    case 'list':
      return inList(model, key, size);
  }
}

/** How far a key moves in a list of `page` rows at a time, from `at`; null for a key that does not move. */
function movement(key: Key, at: number, page: number, last: number): number | null {
  const name: KeyName | string = key.kind === 'key' ? key.name : key.kind === 'text' ? key.text : '';
  const by: Readonly<Record<string, number>> = {
    up: -1,
    k: -1,
    'wheel-up': -1,
    down: 1,
    j: 1,
    'wheel-down': 1,
    'page-up': -page,
    'page-down': page,
  };
  if (name === 'g' || name === 'first') return 0;
  if (name === 'G' || name === 'last') return last;
  const step = Object.hasOwn(by, name) ? by[name] : undefined;
  return step === undefined ? null : at + step;
}

function inList(model: Cockpit, key: Key, size: ScreenSize): Updated {
  const layout = layoutOf(model.rows, size);
  const at = model.rows.findIndex(({ id }) => id === model.cursor);
  const to = movement(key, at, Math.max(1, layout.list - 1), model.rows.length - 1);
  if (to !== null) return only(moved(model, to, size));
  if (key.kind === 'click') return clicked(model, key.row, layout, size);
  if (key.kind === 'key') return special(model, key.name, size);
  return key.kind === 'text' ? letter(model, key.text, size) : only(model);
}

function eachLetter(model: Cockpit, text: string, size: ScreenSize): Updated {
  let now: Updated = only(model);
  for (const each of text) {
    const next = typed(now.model, { kind: 'text', text: each }, size);
    now = { model: next.model, wish: next.wish ?? now.wish };
    // What asks for something ends the row: the next key may be meant for what comes of it.
    if (next.wish !== null) break;
  }
  return now;
}

/** A click goes to a row; on the row of the cursor it opens the pane, as Enter does. */
function clicked(model: Cockpit, row: number, layout: Layout, size: ScreenSize): Updated {
  const line = layout.lines[row - layout.head - layout.titles + (layout.headings ? 0 : model.top)];
  const stream = line === undefined ? undefined : model.rows[line];
  if (stream === undefined || row < layout.head + layout.titles) return only(model);
  if (row >= layout.head + layout.titles + layout.shown) return only(model);
  if (stream.id === model.cursor) return special(model, 'enter', size);
  return only(moved(model, line ?? 0, size));
}

function special(model: Cockpit, name: KeyName, size: ScreenSize): Updated {
  const stream = selectedOf(model);
  if (name === 'cancel') return only(filtered({ ...model, said: null }, '', size));
  if (name !== 'enter' || stream === null) return only(model);
  return { model: { ...model, said: null }, wish: { wish: 'open', id: stream.id, what: null } };
}

const VERBS: Readonly<Record<string, Verb>> = {
  x: 'stop',
  p: 'park',
  r: 'retry',
  R: 'fresh',
  v: 'verify',
  m: 'resolve',
};
const PLAN_VERBS = { M: 'merge', C: 'clean' } as const satisfies Record<string, PlanVerb>;
const READINGS: Readonly<Record<string, PageKind>> = { l: 'log', e: 'gate', d: 'diff' };

function letter(model: Cockpit, text: string, size: ScreenSize): Updated {
  const clear = { ...model, said: null };
  switch (text) {
    case 'q':
      return { model, wish: { wish: 'quit' } };
    case 'w':
      return { model: clear, wish: { wish: 'view' } };
    case '/':
      return only({ ...clear, mode: { kind: 'filter' } });
    case '?':
      return only(
        opened(clear, { title: 'Keys', lines: helpLines(size.columns), of: 'help', offers: null }, size),
      );
    case 'n':
      return only(nextWaiting(clear, size));
    case 'M':
    case 'C':
      return { model: clear, wish: { wish: 'plan', what: PLAN_VERBS[text], dryRun: true } };
    default:
      return ofStream(clear, text);
  }
}

/** Keys that mean something for the stream at the cursor. */
function ofStream(model: Cockpit, text: string): Updated {
  const stream = selectedOf(model);
  if (stream === null) return only(model);
  const { id } = stream;
  const verb = Object.hasOwn(VERBS, text) ? VERBS[text] : undefined;
  const reading = Object.hasOwn(READINGS, text) ? READINGS[text] : undefined;
  if (verb !== undefined) {
    const asked = askedFirst(verb, stream);
    if (asked !== null) return only({ ...model, mode: { kind: 'confirm', verb: asked, id } });
    return { model, wish: { wish: 'verb', id, what: verb } };
  }
  if (reading === 'gate' && stream.gate === null) return say(model, `No gate of ${id} has failed.`);
  if (reading !== undefined) return { model, wish: { wish: 'read', id, what: reading } };
  if (text === ' ' || text === 's') return only({ ...model, mode: { kind: 'answer', text: '' } });
  return only(model);
}

/** What is asked about first: where work stops, a retry too of a stream whose agent lives and gets no further; null for the rest. */
function askedFirst(verb: Verb, { state, pid }: ReportStream): Asked | null {
  if (verb === 'stop' || verb === 'park' || verb === 'fresh') return verb;
  return verb === 'retry' && pid !== null && traitsOf(state).handling.retryEnds ? verb : null;
}

function nextWaiting(model: Cockpit, size: ScreenSize): Cockpit {
  const waiting = waitingForYou(model.rows).map(({ id }) => id);
  const next = waiting[(waiting.indexOf(model.cursor ?? '') + 1) % Math.max(1, waiting.length)];
  if (next === undefined) return { ...model, said: { text: 'Nothing needs you.', good: true } };
  return moved(
    model,
    model.rows.findIndex(({ id }) => id === next),
    size,
  );
}

function inConfirm(model: Cockpit, { verb, id }: Extract<Mode, { kind: 'confirm' }>, key: Key): Updated {
  const list: Cockpit = { ...model, mode: { kind: 'list' } };
  if (key.kind === 'text' && /^y/i.test(key.text)) {
    return { model: list, wish: { wish: 'verb', id, what: verb } };
  }
  return say(list, 'Nothing was done.', true);
}

function inFilter(model: Cockpit, key: Key, size: ScreenSize): Updated {
  const list: Cockpit = { ...model, mode: { kind: 'list' } };
  if (key.kind === 'key') {
    if (key.name === 'enter' || key.name === 'leave') return only(list);
    if (key.name === 'cancel') return only(filtered(list, '', size));
    if (key.name === 'up' || key.name === 'down') return inList(list, key, size);
  }
  const text = edited(model.filter, key);
  return only(text === model.filter ? model : filtered(model, text, size));
}

/** Escape, or the key by which the menu of the session makes sure that the list hears it. */
function leaves(key: Key): boolean {
  return key.kind === 'key' && (key.name === 'cancel' || key.name === 'leave');
}

/** A line of text after a key. */
function edited(text: string, key: Key): string {
  if (key.kind === 'text') return text + key.text;
  if (key.kind === 'paste') return text + key.text.replace(/[\r\n]+/g, ' ');
  if (key.kind !== 'key') return text;
  if (key.name === 'erase') return [...text].slice(0, -1).join('');
  return key.name === 'erase-all' ? '' : text;
}

function inAnswer(model: Cockpit, mode: Extract<Mode, { kind: 'answer' }>, key: Key): Updated {
  const id = model.cursor;
  if (leaves(key)) return only({ ...model, said: null, mode: { kind: 'list' } });
  if (key.kind === 'key' && key.name === 'enter') {
    if (mode.text.trim() === '' || id === null) return only(model);
    const sent: Cockpit = { ...model, said: null, mode: { kind: 'answer', text: '' } };
    return { model: sent, wish: { wish: 'send', id, text: mode.text } };
  }
  return only({ ...model, said: null, mode: { kind: 'answer', text: edited(mode.text, key) } });
}

function inPage(
  model: Cockpit,
  mode: Extract<Mode, { kind: 'page' }>,
  key: Key,
  { rows }: ScreenSize,
): Updated {
  const last = Math.max(0, mode.lines.length - (rows - 2));
  const to = movement(key, mode.top, Math.max(1, rows - 3), last);
  if (to !== null) return only({ ...model, mode: { ...mode, top: Math.max(0, Math.min(to, last)) } });
  const letters = key.kind === 'text' ? key.text : '';
  const { offers } = mode;
  if (offers !== null && /^y/i.test(letters))
    return {
      model: { ...model, mode: { kind: 'list' } },
      wish: { wish: 'plan', what: offers, dryRun: false },
    };
  const over = leaves(key) || /^[q?]/.test(letters) || (offers !== null && /^n/i.test(letters));
  return only(over ? { ...model, mode: { kind: 'list' } } : model);
}

/** What a key of the session asked for: as if the cursor had been on that stream, and the key pressed here. */
function requested(
  model: Cockpit,
  { verb, key }: Extract<CockpitEvent, { kind: 'request' }>,
  size: ScreenSize,
): Updated {
  const list: Cockpit = { ...filtered(model, '', size), mode: { kind: 'list' } };
  if (verb === 'help') return letter(list, '?', size);
  const planKey = (['M', 'C'] as const).find((each) => PLAN_VERBS[each] === verb);
  if (planKey !== undefined) return letter(list, planKey, size);
  const at = list.rows.findIndex((stream) => stream.key === key);
  if (at < 0) return only(model);
  const there = moved(list, at, size);
  const id = there.cursor ?? '';
  if (verb === 'send') return only({ ...there, mode: { kind: 'answer', text: '' } });
  const reading = Object.values(READINGS).find((each) => each === verb);
  if (reading !== undefined) return { model: there, wish: { wish: 'read', id, what: reading } };
  const asked = Object.values(VERBS).find((each) => each === verb);
  return asked === undefined ? only(there) : { model: there, wish: { wish: 'verb', id, what: asked } };
}
