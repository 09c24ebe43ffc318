/** What is told of the stream at the cursor below the list: why it is as it is, its times, tasks, gate, last commit, and what its pane shows. */

import { gateText } from '../../core/done.ts';
import { dollars, plural } from '../../core/printable.ts';
import type { ReportStream } from '../../report/types.ts';
import { duration } from '../amounts.ts';
import type { Style } from '../style.ts';
import { cut, fit, widthOf, wrap } from '../text-width.ts';
import type { Detail } from './cockpit.ts';
import { ageOf, changesOf, type Neighbours, noteOf, taskMark } from './stream-note.ts';

export type PanelLook = {
  readonly style: Style;
  readonly neighbours: Neighbours;
  readonly columns: number;
  readonly rows: number;
  readonly nowMs: number;
};

/** From here on the pane stands beside the facts. */
const WIDE = 110;
const REASON_LINES = 4;
/** With fewer lines than this for a pane none is given to what divides its parts. */
const FEW = 8;

/** `needs-input for 7m · worked 3m · waited for you 7m · 2c +40 −2 · $0.42`: every time with what it is a time of. */
export function timesText(stream: ReportStream, style: Style, nowMs: number): string {
  const { state, workedMs, waitedMs, costUsd, run } = stream;
  const age = ageOf(stream, nowMs);
  const facts = [
    state === 'done'
      ? age === ''
        ? state
        : `${state} ${age} ago`
      : age === ''
        ? state
        : `${state} for ${age}`,
    ...(workedMs === null ? [] : [`worked ${duration(workedMs)}`]),
    ...(waitedMs === null || waitedMs < 1000 ? [] : [`waited for you ${duration(waitedMs)}`]),
    changesOf(stream, style),
    ...(costUsd === null ? [] : [dollars(costUsd)]),
    ...(run === null || run < 2 ? [] : [`run ${run}`]),
  ];
  return facts.filter((fact) => fact !== '').join(` ${style.glyphs.event} `);
}

/** The whole reason in as many lines as it takes, at most `most`; then what to type. */
export function reasonLines(stream: ReportStream, look: PanelLook, columns: number, most: number): string[] {
  const { style, neighbours, nowMs } = look;
  const { glyphs } = style;
  const paint = stream.needsYou ? style.paint('yellow') : style.plain;
  const text = style.clean(noteOf(stream, neighbours, nowMs));
  const lines = text === '' ? [] : wrap(text, columns);
  // The last line that has room holds the beginning of all that is left, so that it is seen to be cut.
  const last = lines.slice(most - 1).join(' ');
  const shown = [...lines.slice(0, most - 1), ...(last === '' ? [] : [last])].map((line) =>
    paint(cut(line, columns, glyphs.ellipsis)),
  );
  const remedy = stream.remedy === null ? [] : [`${glyphs.fix} ${style.clean(stream.remedy)}`];
  return [...shown, ...remedy.map((line) => style.paint('bold')(cut(line, columns, glyphs.ellipsis)))];
}

/** A line that divides (with a name at its end, or without), or is empty. */
const DIVIDES = /^\s*(?:[\u2500-\u257f]{8,}.*)?$/;

/** The last lines of a pane as text: safe, their indentation kept; where few have room, those that say something. */
export function paneLines(
  screen: readonly string[],
  look: PanelLook,
  columns: number,
  most: number,
): string[] {
  const { style } = look;
  const lines = screen.map((line) => {
    const indent = /^ */.exec(line)?.[0].length ?? 0;
    return ' '.repeat(Math.min(indent, columns)) + style.clean(line);
  });
  while (lines.length > 0 && DIVIDES.test(lines.at(-1) ?? '')) lines.pop();
  const told = most < FEW ? lines.filter((line) => !DIVIDES.test(line)) : lines;
  return most <= 0 ? [] : told.slice(-most).map((line) => cut(line, columns, style.glyphs.ellipsis));
}

function taskLines(detail: Detail, { style }: PanelLook, columns: number, most: number): string[] {
  const lines = detail.tasks.map(({ title, status }) => {
    const { symbol, paint } = style.state(taskMark(status).like);
    return `${paint(symbol)} ${cut(style.clean(title), columns - 2, style.glyphs.ellipsis)}`;
  });
  if (lines.length <= most) return lines;
  const rest = lines.length - most + 1;
  const what = most === 1 ? plural(rest, 'task') : plural(rest, 'more task');
  return [...lines.slice(0, most - 1), style.paint('gray')(cut(`  ${what}`, columns, style.glyphs.ellipsis))];
}

function facts(
  stream: ReportStream,
  detail: Detail | null,
  look: PanelLook,
  columns: number,
  rows: number,
): string[] {
  const { style, nowMs } = look;
  const { ellipsis } = style.glyphs;
  const gray = style.paint('gray');
  const above = [
    gray(cut(timesText(stream, style, nowMs), columns, ellipsis)),
    ...reasonLines(stream, look, columns, Math.min(REASON_LINES, Math.max(1, rows - 3))),
  ];
  const gate = stream.gate === null ? [] : [`${gateText(stream.gate)}: e shows what it printed`];
  const commit = detail?.commit == null ? [] : [`last commit ${style.clean(detail.commit)}`];
  const below = [
    ...gate.map((line) => style.paint('red')(cut(style.clean(line), columns, ellipsis))),
    ...commit.map((line) => gray(cut(line, columns, ellipsis))),
  ];
  const room = rows - above.length - below.length;
  const tasks = detail === null || room < 1 ? [] : taskLines(detail, look, columns, Math.max(1, room));
  return [...above, ...tasks, ...below];
}

/** The rule that names the stream, with `right` at its end. */
export function ruleLine(stream: ReportStream | null, { style, columns }: PanelLook, right: string): string {
  const { rule, event, ellipsis } = style.glyphs;
  const name = stream === null || stream.name === stream.id ? '' : ` ${event} ${style.clean(stream.name)}`;
  const title = stream === null ? '' : ` ${style.clean(stream.id)}${name} `;
  const room = columns - widthOf(right) - 4;
  const shown = cut(title, room, ellipsis);
  const line = rule.repeat(
    Math.max(0, columns - 2 - widthOf(shown) - widthOf(right) - (right === '' ? 0 : 2)),
  );
  const gray = style.paint('gray');
  return (
    gray(rule.repeat(2)) + style.paint('bold')(shown) + gray(`${line}${right === '' ? '' : ` ${right} `}`)
  );
}

/** The panel in exactly `look.rows` lines, its rule the first of them. */
export function panelLines(
  stream: ReportStream | null,
  detail: Detail | null,
  look: PanelLook,
  right: string,
): string[] {
  const rows = look.rows - 1;
  const lines = [
    ruleLine(stream, look, right),
    ...(stream === null ? [] : body(stream, detail, { ...look, rows })),
  ];
  return [...lines, ...Array.from({ length: look.rows }, () => '')].slice(0, look.rows);
}

function body(stream: ReportStream, detail: Detail | null, look: PanelLook): string[] {
  const { style, columns, rows } = look;
  const edge = style.paint('gray')(`${style.glyphs.edge} `);
  const screen = detail?.screen ?? null;
  if (columns >= WIDE && screen !== null) {
    const left = Math.floor(columns * 0.42);
    const told = facts(stream, detail, look, left - 1, rows);
    const shown = paneLines(screen, look, columns - left - 2, rows);
    return Array.from({ length: Math.max(told.length, shown.length) }, (_, i) => {
      const line = told[i] ?? '';
      const blank = ' '.repeat(Math.max(0, left - visible(line)));
      return shown[i] === undefined ? line : `${line}${blank}${edge}${shown[i]}`;
    });
  }
  const share = screen === null ? rows : Math.max(3, Math.ceil(rows * 0.5));
  const told = facts(stream, detail, look, columns, share);
  const shown = screen === null ? [] : paneLines(screen, look, columns - 2, rows - told.length);
  return [...told, ...shown.map((line) => edge + line)];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with ESC
const COLOURS = /\u001b\[[\d;]*m/g;
const visible = (line: string): number => widthOf(line.replace(COLOURS, ''));

/** A line of exactly `columns`, colours not counted. */
export function filledLine(line: string, columns: number): string {
  return line + fit('', columns - visible(line), '', 'left');
}
