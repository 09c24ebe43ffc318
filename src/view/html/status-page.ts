/** `status --html`: the whole plan as one HTML page that needs nothing else: the facts and the words of the terminal's screens. */

import { newsAmong } from '../../core/events.ts';
import { NO_PLAN } from '../../core/plan/plan.ts';
import { plural } from '../../core/printable.ts';
import { shortIds } from '../../core/short-names.ts';
import { isFinished } from '../../core/states.ts';
import type { Task } from '../../core/types.ts';
import { sha256Base64 } from '../../files/sha256.ts';
import type { ReportEvent, ReportStream, StatusReport } from '../../report/types.ts';
import { byDepth, forScreen, STATES_BY_URGENCY, waitingForYou } from '../../report/urgency.ts';
import { moment } from '../amounts.ts';
import type { Earlier } from '../pages/earlier-streams.ts';
import { doneText, stepsAfter } from '../pages/next-steps.ts';
import { factsOf } from '../pages/status-text.ts';
import { alertsOf, needYouTitle } from '../summary/attention.ts';
import { criticalPathText, finishedText, overallPercent, spentOf, titleOf } from '../summary/headline.ts';
import { ageOf, neighboursOf } from '../summary/stream-note.ts';
import { html, type Markup, PAGE_STYLE, verbatim } from './markup.ts';
import { PAGE_SCRIPT } from './page-script.ts';
import { PAGE_CSS } from './page-style.ts';
import { FEW, graph, graphWidths, row, type StreamsContext, symbolOf, typed, waves } from './streams-html.ts';

/** The first bytes of every page of ours, of any version: what does not begin so was not made by us. */
export const PAGE_OPENING = '<!doctype html>\n<!-- orchestrate status --html -->\n';

export type PageOptions = {
  readonly nowMs: number;
  /** Of the current plan, oldest first. */
  readonly tasks: readonly Task[];
  readonly earlier: readonly Earlier[];
  /** What the page was asked for with, to type again. */
  readonly command: string;
  /** The page is rewritten at each change, and at the latest after so many seconds; null: it stays as it is. */
  readonly everySeconds: number | null;
  /** What rewrote the page was ended: this is the last. */
  readonly ended: boolean;
  /** Why the last look failed: the page shows the one before. */
  readonly trouble: string | null;
};

/** Seconds after which a page reloads itself: not before another can be there, and seldom a large one, which costs its reader more. */
const RELOAD = { least: 1, small: 5, large: 15, manyStreams: 200 };
/** A page that nobody rewrites is old after ten minutes; one that is rewritten when several writings did not come. */
const OLD_SECONDS = 600;
const LATE = { times: 3, seconds: 15 };
const EVENTS_SHOWN = 30;
/** Of those who wait for the user; the others are folded up below them. */
const ASKING_SHOWN = 6;

/** The page as a whole file. All texts of the report and of tasks are taken as untrusted. */
export function renderPage(whole: StatusReport, options: PageOptions): string {
  const report = forScreen(whole);
  const context = contextOf(report, options);
  const widths = graphWidths(report);
  const css = `${PAGE_CSS}.dag{min-width:${widths.least}px;max-width:${widths.most}px}\n`;
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${sha256Base64(css)}'`,
    `script-src 'sha256-${sha256Base64(PAGE_SCRIPT)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const { everySeconds } = options;
  const most = report.streams.length > RELOAD.manyStreams ? RELOAD.large : RELOAD.small;
  const reload = Math.max(RELOAD.least, Math.min(most, everySeconds ?? most));
  const old = everySeconds === null ? OLD_SECONDS : everySeconds * LATE.times + LATE.seconds;
  const waiting = waitingForYou(report.streams).length;
  const alert = waiting > 0 && html`${PAGE_STYLE.glyphs.alert} ${waiting} `;
  const page = html`<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${verbatim(policy)}">
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer"><meta name="generator" content="orchestrate">
${everySeconds !== null && html`<noscript><meta http-equiv="refresh" content="${reload}"></noscript>`}
<title>${alert}${overallPercent(report)}% ${titleOf(report)}</title><style>${verbatim(css)}</style></head>
<body data-at="${options.nowMs}" data-old="${old}"${everySeconds !== null && html` data-reload="${reload}"`}><main>
${head(report, options)}${notices(report, options)}${needsYou(report, context)}${allDone(report)}${overall(report)}
${graph(report, context)}${streams(report, context)}${events(report.events, options.nowMs)}${earlierPlans(options, context)}
${foot(options)}</main><script>${verbatim(PAGE_SCRIPT)}</script></body></html>
`;
  return PAGE_OPENING + page.html;
}

function contextOf(report: StatusReport, { nowMs, tasks, earlier }: PageOptions): StreamsContext {
  const tasksOf = new Map<string, Task[]>();
  for (const task of tasks) {
    const found = tasksOf.get(task.stream ?? '');
    if (found === undefined) tasksOf.set(task.stream ?? '', [task]);
    else found.push(task);
  }
  const all = [...byDepth(report.streams), ...earlier.flatMap((plan) => plan.streams)];
  return {
    nowMs,
    neighbours: neighboursOf(report.streams, shortIds(report.streams.map(({ id }) => id))),
    tasksOf,
    rowOf: new Map(all.map((stream, at) => [stream, `s${at + 1}`])),
  };
}

function head(report: StatusReport, { nowMs }: PageOptions): Markup {
  const { alive, pid, since } = report.poller;
  const details = [
    ...(pid === null ? [] : [`pid ${pid}`]),
    ...(since === null ? [] : [`since ${moment(Date.parse(since), nowMs)}`]),
  ];
  const live = alive
    ? html`${symbolOf({ state: 'running', needsYou: false })}orchestrate is running <span>${details.length > 0 && `(${details.join(', ')})`}</span>`
    : html`${symbolOf({ state: 'stopped', needsYou: false })}orchestrate is not running`;
  const known = [...spentOf(report, nowMs), ...factsOf(report)];
  // What was spent is told with the tokens, where these are known.
  const facts = known.filter((fact) => !known.some((other) => other !== fact && other.endsWith(fact)));
  return html`<header><p class="over"><span><bdi>${report.workspace}</bdi></span><span>as of <time datetime="${new Date(nowMs).toISOString()}">${moment(nowMs, nowMs)}</time> <span class="age"></span></span></p>
<h1><bdi>${titleOf(report)}</bdi></h1><p class="facts"><span class="live">${live}</span>${facts.map((fact) => html`<span>${fact}</span>`)}</p></header>`;
}

/** That the page is old, that the last look failed, and what keeps the whole plan from going on. */
function notices(report: StatusReport, { command, everySeconds, trouble }: PageOptions): Markup {
  const old =
    everySeconds === null
      ? html`This page was written <span class="age"></span> and is not rewritten.`
      : html`This page was to be rewritten, and was last written <span class="age"></span>: what writes it has ended.`;
  const texts = [
    ...(trouble === null
      ? []
      : [{ text: `The last look failed, this is the one before: ${trouble}`, remedy: null }]),
    ...alertsOf(report),
  ];
  return html`<div class="notice" id="old" role="status" hidden><p>${old}</p>${typed(command)}</div>
${texts.map(({ text, remedy }) => html`<div class="notice"><p>${PAGE_STYLE.glyphs.alert} <bdi>${text}</bdi></p>${remedy !== null && typed(remedy)}</div>`)}`;
}

/** Who waits for the user, longest first: what is asked, and what to type. */
function needsYou({ streams }: StatusReport, { nowMs, rowOf }: StreamsContext): Markup {
  const waiting = waitingForYou(streams);
  if (waiting.length === 0) return html``;
  const items = waiting.map((stream) => {
    const { id, name, state, reason, remedy } = stream;
    return html`<li><p>${symbolOf(stream)}<a href="#${rowOf.get(stream) ?? ''}"><b><bdi>${id}</bdi></b></a> <bdi>${name === id ? '' : name}</bdi> <span class="soft">${state} ${ageOf(stream, nowMs)}</span></p><p><bdi>${reason ?? state}</bdi></p>${remedy !== null && typed(remedy)}</li>`;
  });
  const rest = items.slice(ASKING_SHOWN);
  const more =
    rest.length > 0 &&
    html`<details id="more"><summary>${rest.length} more</summary><ul>${rest}</ul></details>`;
  return html`<section class="need" id="needs-you"><h2>${PAGE_STYLE.glyphs.alert} ${needYouTitle(waiting.length)}</h2><ul>${items.slice(0, ASKING_SHOWN)}</ul>${more}</section>`;
}

/** When all is done that is the news, with what to type next. */
function allDone(report: StatusReport): Markup {
  if (report.streams.length === 0 || !report.streams.every(isFinished)) return html``;
  const steps = stepsAfter(report).map(
    ([what, command]) => html`<div><span class="soft">${what}</span>${typed(command)}</div>`,
  );
  return html`<section class="done" id="done"><p>${symbolOf({ state: 'done', needsYou: false })} <b>${doneText(report)}</b></p><div class="steps">${steps}</div></section>`;
}

/** How far the whole is: tasks, streams by state, and the chain that decides when it ends. */
function overall(report: StatusReport): Markup {
  const { tasks, streams } = report.summary;
  if (report.streams.length === 0)
    return html`<section class="whole"><p>${NO_PLAN.text}</p>${typed(NO_PLAN.remedy)}</section>`;
  const chips = STATES_BY_URGENCY.flatMap((state) => {
    const count = streams[state] ?? 0;
    return count === 0
      ? []
      : [
          html`<button type="button" class="chip" data-state="${state}">${symbolOf({ state, needsYou: false })}${count} ${state}</button>`,
        ];
  });
  const landed = report.streams.filter((stream) => stream.landed).length;
  const { chain, rest } = criticalPathText(report, PAGE_STYLE);
  return html`<section class="whole" id="whole"><p class="tally"><strong>${overallPercent(report)}%</strong><span>${finishedText(report)}</span><span>${tasks.completed} of ${plural(tasks.total, 'task')}</span>${landed > 0 && html`<span>${landed} landed</span>`}</p>
${bar(report)}<p class="chips">${chips}</p>${chain !== '' && html`<p class="path">critical path  <b><bdi>${chain}</bdi></b>  ${rest}</p>`}</section>`;
}

/** Tasks that are completed, in work and blocked, as shares of all. */
function bar({ summary: { tasks } }: StatusReport): Markup {
  const parts = [
    [tasks.completed, 'green'],
    [tasks.inProgress, 'cyan'],
    [tasks.blocked, 'red'],
  ] as const;
  const share = (count: number): string =>
    `${Math.round((10_000 * count) / Math.max(1, tasks.total)) / 100}%`;
  let before = 0;
  const drawn = parts.map(([count, colour]) => {
    const x = before;
    before += count;
    return html`<rect class="${colour}" x="${share(x)}" width="${share(count)}" height="10"/>`;
  });
  return html`<svg width="100%" height="10" role="img" aria-label="tasks: ${tasks.completed} completed, ${tasks.inProgress} in progress, ${tasks.blocked} blocked, of ${tasks.total}">${drawn}</svg>`;
}

function streams(report: StatusReport, context: StreamsContext): Markup {
  if (report.streams.length === 0) return html``;
  return html`<section id="streams" class="${report.streams.length > FEW && 'many'}"><div class="streams-head"><h2>Streams</h2><span class="soft" id="shown"></span><input id="filter" type="search" placeholder="id, name or state" aria-label="Show only streams with this id, name or state" autocomplete="off" spellcheck="false"></div>
${waves(report.streams, context)}</section>`;
}

/** The last events, the latest first. */
function events(all: readonly ReportEvent[], nowMs: number): Markup {
  const shown = newsAmong(all, ({ stream }) => stream)
    .slice(-EVENTS_SHOWN)
    .reverse();
  if (shown.length === 0) return html``;
  const items = shown.map(
    ({ at, stream, message }) =>
      html`<li><time datetime="${at}">${moment(Date.parse(at), nowMs)}</time><bdi>${stream ?? ''}</bdi><p><bdi>${message}</bdi></p></li>`,
  );
  return html`<section id="events"><h2>Events</h2><ol class="events">${items}</ol></section>`;
}

/** What became of the streams of plans before this one. */
function earlierPlans({ earlier }: PageOptions, context: StreamsContext): Markup[] {
  const earlierRow = (stream: ReportStream): Markup => {
    const shown = { ...stream, reason: null, remedy: null };
    const rowOf = new Map([[shown, context.rowOf.get(stream) ?? '']]);
    return row(shown, { ...context, tasksOf: new Map(), rowOf }, false);
  };
  return earlier.map(
    ({ title, streams: list }) =>
      html`<section><h2>Earlier: ${title ?? 'without an initiative'}</h2>${list.map(earlierRow)}</section>`,
  );
}

function foot({ command, everySeconds, ended, nowMs }: PageOptions): Markup {
  const upkeep =
    everySeconds !== null
      ? 'It is rewritten at each change, and reloads itself.'
      : ended
        ? 'That has ended: it stays as it is.'
        : 'It stays as it is.';
  return html`<footer><p>Written ${moment(nowMs, nowMs)} (<time datetime="${new Date(nowMs).toISOString()}">${new Date(nowMs).toISOString()}</time>) by <code>${command}</code> ${upkeep}</p></footer>`;
}
