/** The streams of the page: the drawing of the plan, and for each stream a row that opens on its tasks, times and branch. */

import { gateText, whyBlocked } from '../../core/done.ts';
import { plural } from '../../core/printable.ts';
import { isFinished, isLively, traitsOf } from '../../core/states.ts';
import type { Task } from '../../core/types.ts';
import type { ReportStream, StatusReport } from '../../report/types.ts';
import { depthGroups } from '../../report/urgency.ts';
import { usedText } from '../pages/stream-text.ts';
import { timesText } from '../summary/panel.ts';
import { type Neighbours, noteOf, taskMark } from '../summary/stream-note.ts';
import { stateText, waveText } from '../summary/stream-rows.ts';
import { drawingOf, type LineKind } from './dag.ts';
import { html, type Markup, PAGE_STYLE, verbatim } from './markup.ts';

/** What rows and drawing are made with. */
export type StreamsContext = {
  readonly nowMs: number;
  readonly neighbours: Neighbours;
  /** Of each stream by id, oldest first. */
  readonly tasksOf: ReadonlyMap<string, readonly Task[]>;
  /** The name of each stream's row in the page. */
  readonly rowOf: ReadonlyMap<ReportStream, string>;
};

const SHORT_SHA = 10;
const TASKS_SHOWN = 60;
/** With no more streams than this, those at work stand open. */
export const FEW = 24;

/** The class that gives the colour of a state. */
const colourOf = ({ state, needsYou }: Pick<ReportStream, 'state' | 'needsYou'>): string =>
  needsYou ? 'yellow asks' : traitsOf(state).look.colour;

/** The symbol of a state, in its colour. */
export function symbolOf(stream: Pick<ReportStream, 'state' | 'needsYou'>): Markup {
  return html`<span class="sym ${colourOf(stream)}" aria-hidden="true">${PAGE_STYLE.state(stream.state).symbol}</span>`;
}

/** A command to type, with a button that copies it. */
export function typed(command: string): Markup {
  return html`<div class="type"><code>${command}</code><button class="copy" type="button">copy</button></div>`;
}

function progress({ tasks }: ReportStream): Markup {
  return html`<progress max="${Math.max(1, tasks.total)}" value="${tasks.completed}" aria-label="${tasks.completed} of ${plural(tasks.total, 'task')}"></progress>`;
}

const LINE_WORDS: Readonly<Record<LineKind, string>> = {
  finished: 'builds on what is done',
  open: 'waits for',
  critical: 'critical path',
};

/** The drawing of the plan, and what its lines mean; nothing where there are no streams. */
export function graph(report: StatusReport, context: StreamsContext): Markup {
  const drawing = drawingOf(report);
  if (drawing === null) return html``;
  const { height, dense, waves, boxes, lines, untold } = drawing;
  const percent = (x: number): string => `${Math.round(x * 10) / 100}%`;
  const kinds = (['open', 'finished', 'critical'] as const).filter((kind) => lines.has(kind));
  const headings = waves.map(
    ({ depth, x, y }) => html`<text class="wave" x="${percent(x)}" y="${y}">Wave ${depth + 1}</text>`,
  );
  const places = boxes.map(
    (box) =>
      html`<foreignObject x="${percent(box.x)}" y="${box.y}" width="${percent(box.width)}" height="${box.height}">${(dense ? tile : card)(box.stream, context)}</foreignObject>`,
  );
  return html`<section><h2>Plan</h2><div class="graph ${dense && 'dense'}" id="graph"><svg class="dag" width="100%" height="${height}" role="group" aria-label="The plan: what builds on what">
<svg width="100%" height="${height}" viewBox="0 0 1000 ${height}" preserveAspectRatio="none" aria-hidden="true">${kinds.map((kind) => html`<path class="${kind}" d="${verbatim(lines.get(kind) ?? '')}"/>`)}</svg>
${headings}${places}</svg></div>
<p class="key">${kinds.map((kind) => html`<span><i class="${kind}"></i>${LINE_WORDS[kind]}</span>`)}${untold > 0 && `${untold} dependencies are too many to draw: each stream below names its own.`}</p></section>`;
}

/** Pixels that the drawing takes at least and at most, so that what it says can be read. */
export function graphWidths(report: StatusReport): { readonly least: number; readonly most: number } {
  const drawing = drawingOf(report);
  if (drawing === null || drawing.dense) return { least: 0, most: 1200 };
  return { least: drawing.waves.length * 96, most: drawing.waves.length * 300 };
}

function titleOf(stream: ReportStream, { neighbours, nowMs }: StreamsContext): string {
  const name = stream.name === stream.id ? '' : ` (${stream.name})`;
  const note = noteOf(stream, neighbours, nowMs);
  return `${stream.id}${name}: ${stateText(stream, nowMs)}${note === '' ? '' : `, ${note}`}`;
}

function card(stream: ReportStream, context: StreamsContext): Markup {
  const { id, name } = stream;
  const short = context.neighbours.nameOf.get(id) ?? id;
  return html`<a class="box ${colourOf(stream)}" href="#${context.rowOf.get(stream) ?? ''}" title="${titleOf(stream, context)}"><b>${symbolOf(stream)} <span class="long">${id}</span><span class="short">${short}</span></b><span>${name === id ? '' : name}</span><span class="state"><span class="long">${stateText(stream, context.nowMs)}</span><span class="short">${stream.state}</span></span>${progress(stream)}</a>`;
}

function tile(stream: ReportStream, context: StreamsContext): Markup {
  const short = context.neighbours.nameOf.get(stream.id) ?? stream.id;
  return html`<a class="tile ${colourOf(stream)}" href="#${context.rowOf.get(stream) ?? ''}" title="${titleOf(stream, context)}">${symbolOf(stream)}<b>${short}</b></a>`;
}

/** All streams in rows, each wave's under its heading; where there are many, what is finished is folded up. */
export function waves(streams: readonly ReportStream[], context: StreamsContext): Markup[] {
  const few = streams.length <= FEW;
  return depthGroups(streams).map(({ depth, streams: wave }) => {
    const open = few || !wave.every(isFinished);
    const rows = wave.map((stream) => row(stream, context, few && isLively(stream.state)));
    return html`<details class="group" id="w${depth + 1}"${open && html` open data-open`}><summary><h3>${waveText(depth, wave, PAGE_STYLE)}</h3></summary>
${rows}</details>`;
  });
}

/** One stream; `open`: with its tasks in sight. */
export function row(stream: ReportStream, context: StreamsContext, open: boolean): Markup {
  const { id, name, state, stale, landed, tasks } = stream;
  const { nowMs, neighbours } = context;
  const note = noteOf({ ...stream, stale: false, landed: false }, neighbours, nowMs);
  return html`<details class="stream ${colourOf(stream)}" id="${context.rowOf.get(stream) ?? ''}"${open && html` open data-open`}><summary>${symbolOf(stream)}<span class="who"><b><bdi>${id}</bdi></b><bdi>${name === id ? '' : name}</bdi>${stale && html`<span class="tag stale">stale</span>`}${landed && html`<span class="tag">landed</span>`}</span><span class="tasks">${progress(stream)}<span class="num">${tasks.completed}/${tasks.total}</span></span><span class="state">${state}</span><span class="times">${timesText(stream, PAGE_STYLE, nowMs)}</span>${note !== '' && html`<span class="note"><bdi>${note}</bdi></span>`}</summary>
<div class="more">${stream.remedy !== null && typed(stream.remedy)}${taskList(context.tasksOf.get(id) ?? [])}${facts(stream, context)}</div></details>
`;
}

function taskList(tasks: readonly Task[]): Markup {
  if (tasks.length === 0) return html``;
  const hidden = tasks.length - TASKS_SHOWN;
  const items = tasks.slice(0, TASKS_SHOWN).map((task) => {
    const { title, status } = task;
    const { like, word } = taskMark(status);
    const reason = status === 'blocked' ? whyBlocked(task) : task.blockedReason;
    const why = reason === null ? '' : `: ${reason}`;
    return html`<li>${symbolOf({ state: like, needsYou: false })}<bdi>${title}</bdi><small>${word}${why}</small></li>`;
  });
  return html`<ul>${items}${hidden > 0 && html`<li>${plural(hidden, 'more task')}</li>`}</ul>`;
}

/** Where its work is and what it took, as far as known. */
function facts(stream: ReportStream, { neighbours }: StreamsContext): Markup {
  const sha = (text: string | null): string | null => text?.slice(0, SHORT_SHA) ?? null;
  const names = (ids: readonly string[]): string | null =>
    ids.length === 0
      ? null
      : ids.map((id) => `${id} (${neighbours.stateOf.get(id) ?? 'unknown'})`).join(', ');
  const known: readonly (readonly [string, string | null])[] = [
    ['Depends on', names(stream.dependencies)],
    ['Branch', stream.branch],
    ['Worktree', stream.worktree],
    ['Base', sha(stream.baseSha)],
    ['Head', sha(stream.headSha)],
    ['Verified', sha(stream.verifiedSha)],
    ['Gate', stream.gate === null ? null : gateText(stream.gate)],
    ['Agent', stream.pid === null ? null : `pid ${stream.pid}`],
    ['Used', usedText(stream)],
  ];
  const shown = known.flatMap(([label, text]) => (text === null || text === '' ? [] : [{ label, text }]));
  return html`<dl>${shown.map(({ label, text }) => html`<dt>${label}</dt><dd><bdi>${text}</bdi></dd>`)}</dl>`;
}
