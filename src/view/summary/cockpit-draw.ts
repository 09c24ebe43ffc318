/** Draws the live summary from its model: the head, the rows with the cursor, the panel, pages, and the lines of answers and keys. */
import { stripVTControlCharacters } from 'node:util';
import { shortIds } from '../../core/short-names.ts';
import type { ReportStream, StatusReport, TextStyle } from '../../report/types.ts';
import { waitingForYou } from '../../report/urgency.ts';
import { createStyle, type Style } from '../style.ts';
import { cut, fit, widthOf } from '../text-width.ts';
import { alertsOf, allDone, type Block, needYouTitle, withRemedy } from './attention.ts';
import { type Asked, type Cockpit, type Mode, selectedOf } from './cockpit.ts';
import { headline } from './headline.ts';
import { type Layout, layoutOf, type ScreenSize } from './layout.ts';
import { filledLine, type PanelLook, paneLines, panelLines, reasonLines, timesText } from './panel.ts';
import { ageOf, type Neighbours, neighboursOf } from './stream-note.ts';
import { streamRows, withHeadings } from './stream-rows.ts';

/** `session`: this is the session's own summary, which is left by detaching. */
export type CockpitOptions = TextStyle & ScreenSize & { readonly nowMs: number; readonly session: boolean };

/** The picture as at most `rows` lines, none wider than `columns`. */
export function drawCockpit(model: Cockpit, options: CockpitOptions): string[] {
  const { report, mode } = model;
  const style = createStyle(options);
  const { ellipsis } = style.glyphs;
  if (report === null || model.trouble !== null)
    return [cut(style.clean(model.trouble ?? 'Looking …'), options.columns, ellipsis)];
  const look: PanelLook = {
    style,
    columns: options.columns,
    rows: options.rows,
    nowMs: options.nowMs,
    neighbours: neighboursIn(report),
  };
  if (mode.kind === 'page') return pageLines(mode, look);
  const stream = selectedOf(model);
  if (mode.kind === 'answer' && stream !== null) return answerLines(model, stream, mode.text, look);
  return listLines(model, report, look, options);
}

const NEIGHBOURS = new WeakMap<StatusReport, Neighbours>();

/** How the streams of a report are called, made once for each report. */
function neighboursIn(report: StatusReport): Neighbours {
  const known = NEIGHBOURS.get(report);
  if (known !== undefined) return known;
  const made = neighboursOf(report.streams, shortIds(report.streams.map(({ id }) => id)));
  NEIGHBOURS.set(report, made);
  return made;
}

function listLines(model: Cockpit, report: StatusReport, look: PanelLook, options: CockpitOptions): string[] {
  const layout = layoutOf(model.rows, options);
  const rows = rowLines(model, layout, look);
  const above = [...headLines(report, look, layout.head), ...rows];
  const panel = { ...look, rows: layout.panel };
  const right = layout.panel === 0 ? '' : placeText(model, layout, look);
  const below = layout.panel === 0 ? [] : panelLines(selectedOf(model), model.detail, panel, right);
  return [...above, ...below, ...footLines(model, layout, look, options)].slice(0, options.rows);
}

/** Who waits for the user and what keeps the plan from going on, then the whole plan, in exactly `lines` lines. */
function headLines(report: StatusReport, { style, columns, nowMs }: PanelLook, lines: number): string[] {
  const block: Block = { style, columns, nowMs };
  const loud = style.paint('yellow');
  const alerts = alertsOf(report).flatMap(({ text, remedy }) =>
    withRemedy(block, `${style.glyphs.alert} `, loud, style.clean(text), remedy).slice(0, 1),
  );
  const urgent = [...waitingLine(report, block), ...alerts, ...allDone(block, report).slice(0, 1)];
  const first = urgent.slice(0, Math.max(1, lines - 2));
  const rest = headline(report, style, { columns, nowMs, lines: lines - first.length });
  return [...first, ...rest, ...Array.from({ length: lines }, () => '')].slice(0, lines);
}

/** `▲ 2 STREAMS NEED YOU  C needs-input 7m, D failed 1m  → orchestrate attach --next`. */
function waitingLine(report: StatusReport, block: Block): string[] {
  const { style, nowMs } = block;
  const waiting = waitingForYou(report.streams);
  if (waiting.length === 0) return [];
  const loud = (text: string): string => style.paint('yellow')(style.paint('bold')(text));
  const who = waiting.map((stream) =>
    `${style.clean(stream.id)} ${stream.state} ${ageOf(stream, nowMs)}`.trim(),
  );
  const lead = `${style.glyphs.alert} ${needYouTitle(waiting.length)}`;
  if (widthOf(lead) + 12 > block.columns) return [loud(cut(lead, block.columns, style.glyphs.ellipsis))];
  return withRemedy(block, `${lead}  `, loud, who.join(', '), 'orchestrate attach --next').slice(0, 1);
}

/** Titles, headings of waves, and the rows that are in sight, the one at the cursor marked. */
function rowLines(model: Cockpit, layout: Layout, look: PanelLook): string[] {
  const { style, columns } = look;
  const { rows, top } = model;
  const from = layout.headings ? 0 : top;
  const width = Math.max(1, columns - 2);
  const { titles, lines } = streamRows(rows, look, width, { from, to: from + layout.list });
  const drawn = lines.map((line, i) => {
    if (rows[from + i]?.id !== model.cursor || !model.attended) return `  ${line}`;
    // Colours of its own would stand in it as patches.
    const marked = `${style.glyphs.cursor} ${stripVTControlCharacters(line)}`;
    return style.paint('inverse')(filledLine(marked, columns));
  });
  const shown = layout.headings ? withHeadings(rows, drawn, style, columns) : drawn;
  const empty = rows.length > 0 ? [] : [cut(emptyText(model), columns, style.glyphs.ellipsis)];
  const all = [...(layout.titles === 0 ? [] : [`  ${titles}`]), ...empty, ...shown];
  const room = layout.titles + layout.shown;
  return [...all, ...Array.from({ length: room }, () => '')].slice(0, room);
}

function emptyText({ filter }: Cockpit): string {
  return filter === ''
    ? 'No plan yet. Make one with: orchestrate generate, or: orchestrate import plan.yaml'
    : `no stream's id, name or state has "${filter}"  (Esc: all)`;
}

/** `1–12 of 30, 2 need you out of sight`, where not all rows have room. */
function placeText(
  { rows, top }: Cockpit,
  { list, headings }: Layout,
  { style, columns }: PanelLook,
): string {
  if (headings || rows.length <= list) return '';
  const hidden = rows.filter(({ needsYou }, i) => needsYou && (i < top || i >= top + list)).length;
  const urgent = hidden === 0 ? '' : `, ${style.glyphs.alert} ${hidden} out of sight`;
  const text = `${top + 1}-${Math.min(top + list, rows.length)} of ${rows.length}${urgent}`;
  return cut(text, Math.max(0, columns - 6), style.glyphs.ellipsis);
}

const QUESTIONS: Readonly<Record<Asked, (id: string) => string>> = {
  stop: (id) => `Stop ${id}? Its work is kept.`,
  park: (id) => `Park ${id} until it is retried? Its work is kept.`,
  retry: (id) => `Retry ${id}? Its agent is ended and starts again.`,
  fresh: (id) => `Retry ${id} in a new conversation? Its agent is ended, its work is kept.`,
};

/** The line of answers and questions, above the keys; one line for both where there is no room. */
function footLines(model: Cockpit, layout: Layout, look: PanelLook, options: CockpitOptions): string[] {
  const { style, columns } = look;
  const message = messageLine(model, look);
  const place = layout.panel === 0 ? placeText(model, layout, look) : '';
  const keys = model.attended
    ? keysLine(keysFor(model, options), look, columns - (place === '' ? 0 : widthOf(place) + 2))
    : '';
  const end = place === '' ? '' : `  ${style.paint('gray')(place)}`;
  if (layout.foot === 1) return [message ?? `${keys}${end}`];
  return [message ?? '', `${keys}${end}`];
}

function messageLine(
  { mode, said, filter, rows, report }: Cockpit,
  { style, columns }: PanelLook,
): string | null {
  const { ellipsis } = style.glyphs;
  if (mode.kind === 'confirm') {
    const question = QUESTIONS[mode.verb](style.clean(mode.id));
    return style.paint('yellow')(style.paint('bold')(cut(`${question} (y/n)`, columns, ellipsis)));
  }
  if (mode.kind === 'filter' || filter !== '') {
    const count = `${rows.length} of ${report?.streams.length ?? 0}`;
    const typing = mode.kind === 'filter' ? '_' : '';
    return cut(`/${style.clean(filter)}${typing}  ${count}  (Esc: all)`, columns, ellipsis);
  }
  if (said === null) return null;
  return style.paint(said.good ? 'green' : 'yellow')(cut(style.clean(said.text), columns, ellipsis));
}

/** Keys and what they do, the most needed first. */
function keysFor(model: Cockpit, { session }: CockpitOptions): readonly (readonly [string, string])[] {
  const stream = selectedOf(model);
  return [
    ['Enter', 'open'],
    ['Space', 'answer'],
    ...(stream?.gate == null ? [] : [['e', 'gate log'] as const]),
    ...(stream?.state === 'base-conflict' ? [['m', 'resolve'] as const] : []),
    ['?', 'help'],
    ['l', 'log'],
    ['x', 'stop'],
    ['r', 'retry'],
    ['n', 'next'],
    ['/', 'filter'],
    ['d', 'diff'],
    ['v', 'verify'],
    ['p', 'park'],
    ['M', 'merge'],
    ['C', 'clean'],
    ['w', 'view'],
    ...(session ? [] : [['q', 'quit'] as const]),
    ['j k', 'move'],
  ];
}

function keysLine(
  keys: readonly (readonly [string, string])[],
  { style }: PanelLook,
  columns: number,
): string {
  let line = '';
  let used = 0;
  for (const [key, does] of keys) {
    const more = (used === 0 ? 0 : 2) + widthOf(key) + 1 + widthOf(does);
    if (used + more > columns) break;
    line += `${used === 0 ? '' : '  '}${style.paint('bold')(key)} ${style.paint('gray')(does)}`;
    used += more;
  }
  return line;
}

function pageLines(
  { title, lines, top, of, offers }: Extract<Mode, { kind: 'page' }>,
  { style, columns, rows }: PanelLook,
): string[] {
  const { ellipsis } = style.glyphs;
  const room = Math.max(1, rows - 2);
  const place = `${Math.min(top + room, lines.length)}/${lines.length}`;
  const paint = of === 'diff' ? diffPaint(style) : style.plain;
  const shown = lines.slice(top, top + room).map((line) => paint(cut(line, columns, ellipsis)));
  const filled = [...shown, ...Array.from({ length: room }, () => '')].slice(0, room);
  const head = fit(
    cut(style.clean(title), columns - place.length - 1, ellipsis),
    columns - place.length,
    ellipsis,
    'left',
  );
  const keys = [
    ...(offers === null
      ? [['q', 'back'] as const]
      : [['y', offers === 'merge' ? 'merge it' : 'remove it'] as const, ['n', 'back'] as const]),
    ['j k', 'move'],
    ['g G', 'ends'],
    ['PgUp PgDn', 'page'],
  ] as const;
  return [
    style.paint('bold')(head) + style.paint('gray')(place),
    ...filled,
    keysLine(keys, { style, columns, rows } as PanelLook, columns),
  ].slice(0, rows);
}

/** Lines of a diff in its usual colours. */
function diffPaint(style: Style): (line: string) => string {
  return (line) => {
    if (line.startsWith('+')) return style.paint('green')(line);
    if (line.startsWith('-')) return style.paint('red')(line);
    return line.startsWith('@@') ? style.paint('cyan')(line) : line;
  };
}

/** What the agent shows, live, and the line to answer it. */
function answerLines(model: Cockpit, stream: ReportStream, text: string, look: PanelLook): string[] {
  const { style, columns, rows, nowMs } = look;
  const { symbol, paint } = style.state(stream.state);
  const { ellipsis, cursor } = style.glyphs;
  const name = stream.name === stream.id ? '' : `  ${style.clean(stream.name)}`;
  const title = `${symbol} ${style.clean(stream.id)}${name}  ${timesText(stream, style, nowMs)}`;
  const head = [
    paint(style.paint('bold')(cut(title, columns, ellipsis))),
    ...reasonLines(stream, look, columns, rows < 16 ? 1 : 3),
    style.paint('gray')(style.glyphs.rule.repeat(columns)),
  ];
  const room = Math.max(0, rows - head.length - 3);
  const screen = model.detail?.screen ?? null;
  const none = screen === null ? [style.paint('gray')('no pane to show')] : [];
  const shown = [...none, ...paneLines(screen ?? [], look, columns, room)].slice(0, room);
  const said = messageLine({ ...model, filter: '' }, look) ?? '';
  // The end of a long line is where one types.
  const line = style.clean(text) + (text.endsWith(' ') ? ' ' : '');
  const most = Math.max(1, columns - 4);
  const typed = widthOf(line) <= most ? line : [...line].slice(-Math.floor(most / 2)).join('');
  const keys = [
    ['Enter', 'send'],
    ['Esc', 'back'],
  ] as const;
  return [
    ...head,
    ...shown,
    ...Array.from({ length: Math.max(0, room - shown.length) }, () => ''),
    said,
    `${style.paint('bold')(`${cursor} `)}${cut(typed, most, ellipsis)}_`,
    keysLine(keys, look, columns),
  ].slice(-rows);
}
