/** `status` for people: the whole plan once and complete, in the words of the live screen; nothing is cut, long texts go on below. */
import type { StateName } from '../core/types.ts';
import { ageMs, amount, duration, plural } from './amounts.ts';
import { alertsOf } from './attention.ts';
import { progressBar } from './bar.ts';
import { eventRows } from './event-rows.ts';
import { criticalPathText, overallPercent, titleOf } from './headline.ts';
import { changesOf, type Neighbours, namesWithStates, neighboursOf, noteOf } from './stream-note.ts';
import { createStyle, type Style } from './style.ts';
import { pad, widthOf, wrap } from './text-width.ts';
import type { Look, ReportStream, StatusReport } from './types.ts';
import { depthGroups, waitingForYou } from './urgency.ts';

export type TextOptions = Look & {
  /** Width that texts are wrapped at. */
  readonly columns: number;
  readonly nowMs: number;
};

const BAR = 10;
const INDENT = '      ';
const WIDEST_TITLE = 44;
/** States that pass by themselves. */
const WITHOUT_REMEDY: ReadonlySet<StateName> = new Set([
  'waiting',
  'running',
  'starting',
  'verifying',
  'done',
]);

type Page = { readonly style: Style; readonly options: TextOptions; readonly neighbours: Neighbours };

/** `Poller    running, pid 4711`: a label, and its text wrapped below itself. */
export function labelled(style: Style, label: string, text: string, columns: number): string[] {
  const head = `${label.padEnd(10)}`;
  const lines = wrap(text, Math.max(20, columns - head.length));
  return lines.map((line, i) => (i === 0 ? style.paint('gray')(head) : ' '.repeat(head.length)) + line);
}

function pollerText(report: StatusReport, nowMs: number): string {
  if (!report.poller.alive) return 'not running: orchestrate start';
  const since = ageMs(report.poller.since, nowMs);
  const pid = report.poller.pid === null ? '' : `, pid ${report.poller.pid}`;
  return `running${pid}${since === null ? '' : `, for ${duration(since)}`}`;
}

function sessionText(report: StatusReport): string {
  const { name, alive, socket } = report.session;
  if (name === null || !alive) return 'none';
  return `${name}${socket === 'default' ? '' : ` on socket ${socket}`}; attach: orchestrate attach`;
}

function overview({ style, options }: Page, report: StatusReport): string[] {
  const { tasks, streams } = report.summary;
  const { columns, nowMs } = options;
  const bar = progressBar(style, tasks, 2 * BAR, style.paint('cyan'));
  const numbers = `${overallPercent(report)}%  ${streams.done ?? 0} of ${plural(streams.total, 'stream')} done, ${tasks.completed} of ${plural(tasks.total, 'task')} completed`;
  const { chain, rest } = criticalPathText(report, style);
  const eta = report.etaMs === null ? '' : `, about ${duration(report.etaMs)} left`;
  const label = (name: string, text: string) => labelled(style, name, style.clean(text), columns);
  return [
    style.paint('bold')(style.clean(titleOf(report))),
    `${style.paint('gray')('Progress  ')}${bar} ${numbers}`,
    ...(report.elapsedMs === null ? [] : label('Time', `${duration(report.elapsedMs)} so far${eta}`)),
    ...(report.criticalPath.length === 0 ? [] : label('Critical', `${chain} (${rest})`)),
    ...label('Poller', pollerText(report, nowMs)),
    ...label('Session', sessionText(report)),
  ];
}

/** An indented text behind a mark, wrapped; a command after it on a line of its own, whole. */
function explained(page: Page, text: string, remedy: string | null): string[] {
  const { style, options } = page;
  const lines = wrap(style.clean(text), Math.max(20, options.columns - INDENT.length));
  const fix = remedy === null ? [] : [`${style.glyphs.fix} ${style.paint('bold')(style.clean(remedy))}`];
  return [...lines, ...fix].map((line) => INDENT + line);
}

function needsYou(page: Page, report: StatusReport): string[] {
  const { style, options } = page;
  const waiting = waitingForYou(report.streams).flatMap((stream) => {
    const { symbol, word, paint } = style.state(stream.state);
    const age = ageMs(stream.since, options.nowMs);
    const title = `${symbol} ${style.clean(stream.id)}  ${word}${age === null ? '' : ` for ${duration(age)}`}`;
    return [`  ${paint(title)}`, ...explained(page, stream.reason ?? '', stream.remedy)];
  });
  const alerts = alertsOf(report).flatMap(({ text, remedy }) => {
    const [first = '', ...more] = explained(page, text, remedy);
    return [`  ${style.paint('yellow')(style.glyphs.alert)} ${first.trim()}`, ...more];
  });
  if (waiting.length + alerts.length === 0) return [];
  const title = waiting.length > 0 ? `Needs you (${report.summary.needsYou})` : 'Attention';
  return [style.paint('bold')(style.paint('yellow')(title)), ...waiting, ...alerts, ''];
}

/** The worker in the words of its process: living, gone, or never there. */
function workerText(stream: ReportStream): string {
  if (stream.pid !== null) return `pid ${stream.pid}`;
  if (stream.state === 'done') return stream.run === null ? 'adopted' : 'finished';
  return stream.run === null ? '' : 'worker stopped';
}

function titleText(style: Style, { id, name }: ReportStream): string {
  return name === id ? style.clean(id) : `${style.clean(id)} ${style.clean(name)}`;
}

/** The row of a stream; commits and tokens go below where the line has no room for them. */
function streamLines(page: Page, stream: ReportStream, titleColumns: number): string[] {
  const { style, options } = page;
  const { symbol, word, paint } = style.state(stream.state);
  const age = ageMs(stream.since, options.nowMs);
  const tasks = `${stream.tasks.completed}/${stream.tasks.total}`.padStart(5);
  const title = pad(titleText(style, stream), titleColumns);
  const worker = [age === null ? '' : duration(age), workerText(stream)]
    .filter((fact) => fact !== '')
    .join('  ');
  const work = [
    changesOf(stream, style),
    stream.tokens === null ? '' : `${amount(stream.tokens)} tokens`,
  ].filter((fact) => fact !== '');
  const bar = progressBar(style, stream.tasks, BAR, paint);
  const line = `  ${paint(symbol)} ${title} ${bar} ${tasks} ${paint(word.padEnd(13))} ${worker}`.trimEnd();
  const whole = [line, ...work].join('  ');
  const fits = widthOf(whole) <= options.columns;
  const notes = streamNotes(page, stream, fits ? [] : work).map(style.paint('gray'));
  return [fits ? whole : line, ...notes];
}

/** What a row can't hold: dependencies, what it is doing or waits for, why, and what to type. */
function streamNotes(page: Page, stream: ReportStream, more: readonly string[]): string[] {
  const { style, neighbours, options } = page;
  const note = stream.needsYou ? '' : noteOf(stream, neighbours, options.nowMs);
  const dependencies =
    stream.state === 'waiting' || stream.dependencies.length === 0
      ? ''
      : `${style.glyphs.from} ${stream.dependencies.join(', ')}`;
  const text = [dependencies, note, ...more].filter((part) => part !== '').join(` ${style.glyphs.event} `);
  const remedy = stream.needsYou || WITHOUT_REMEDY.has(stream.state) ? null : stream.remedy;
  return explained(page, text, remedy);
}

function depthBlocks(page: Page, report: StatusReport): string[] {
  const widest = report.streams.reduce(
    (most, stream) => Math.max(most, widthOf(titleText(page.style, stream))),
    0,
  );
  const titleColumns = Math.min(widest, WIDEST_TITLE);
  return depthGroups(report.streams).flatMap(({ depth, streams }) => [
    page.style.paint('bold')(depth === 0 ? 'Depth 0 (independent)' : `Depth ${depth}`),
    ...streams.flatMap((stream) => streamLines(page, stream, titleColumns)),
    '',
  ]);
}

/** The whole plan as lines of text. Commands are never broken; all texts in the report are taken as untrusted. */
export function renderStatus(report: StatusReport, options: TextOptions): string[] {
  const style = createStyle(options);
  const page: Page = { style, options, neighbours: neighboursOf(report.streams) };
  const events = eventRows(report.events, style, Number.POSITIVE_INFINITY, report.events.length);
  const body =
    report.streams.length === 0
      ? ['No streams: orchestrate import PLAN, or orchestrate generate', '']
      : depthBlocks(page, report);
  const lines = [
    ...overview(page, report),
    '',
    ...needsYou(page, report),
    ...body,
    ...(events.length === 0
      ? []
      : [style.paint('bold')('Last events'), ...events.map((line) => `  ${line}`)]),
  ];
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
