/** `status` for people: the whole plan once and complete, in the words of the live screen; nothing is cut, long texts go on below. */
import { isFinished, traitsOf } from '../../core/states.ts';
import type { ReportStream, StatusReport, TextStyle } from '../../report/types.ts';
import { depthGroups, waitingForYou } from '../../report/urgency.ts';
import { ageMs, duration, plural, usageText } from '../amounts.ts';
import { createStyle, type Style } from '../style.ts';
import { alertsOf, lacksPoller } from '../summary/attention.ts';
import { progressBar } from '../summary/bar.ts';
import { eventRows } from '../summary/event-rows.ts';
import { criticalPathText, finishedText, overallPercent, titleOf } from '../summary/headline.ts';
import { changesOf, type Neighbours, neighboursOf, noteOf } from '../summary/stream-note.ts';
import { pad, widthOf } from '../text-width.ts';
import { reviewCommand } from './next-steps.ts';
import { explained, labelled, type Page, section } from './paragraphs.ts';

export type TextOptions = TextStyle & {
  /** Width that texts are wrapped at. */
  readonly columns: number;
  readonly nowMs: number;
};

const BAR = 10;
const INDENT = 6;
const WIDEST_TITLE = 44;
type StatusPage = Page & { readonly nowMs: number; readonly neighbours: Neighbours };

function pollerText(report: StatusReport, nowMs: number): string {
  if (!report.poller.alive) return lacksPoller(report) ? 'not running: orchestrate start' : 'not running';
  const since = ageMs(report.poller.since, nowMs);
  const pid = report.poller.pid === null ? '' : `, pid ${report.poller.pid}`;
  const limit =
    report.poller.maxWorkers === null ? '' : `, at most ${plural(report.poller.maxWorkers, 'worker')}`;
  return `running${pid}${limit}${since === null ? '' : `, for ${duration(since)}`}`;
}

const isDone = ({ streams }: StatusReport): boolean => streams.length > 0 && streams.every(isFinished);

function sessionText(report: StatusReport): string {
  const { name, alive, socket } = report.session;
  if (name === null || !alive) return 'none';
  return `${name}${socket === 'default' ? '' : ` on socket ${socket}`}; attach: orchestrate attach`;
}

function overview(page: StatusPage, report: StatusReport): string[] {
  const { style } = page;
  const { tasks } = report.summary;
  const bar = progressBar(style, tasks, 2 * BAR, style.paint('cyan'));
  const numbers = `${overallPercent(report)}%  ${finishedText(report)}, ${tasks.completed} of ${plural(tasks.total, 'task')} completed`;
  const { chain, rest } = criticalPathText(report, style);
  const eta = report.etaMs === null ? '' : `, about ${duration(report.etaMs)} left`;
  const used = usageText(report.summary);
  const label = (name: string, text: string) => labelled(page, name, text);
  return [
    style.paint('bold')(style.clean(titleOf(report))),
    `${style.paint('gray')('Progress  ')}${bar} ${numbers}`,
    ...(report.elapsedMs === null
      ? []
      : label('Time', `${duration(report.elapsedMs)} ${isDone(report) ? 'in all' : `so far${eta}`}`)),
    ...(used === '' ? [] : label('Used', used)),
    ...(report.criticalPath.length === 0 ? [] : label('Critical', `${chain} (${rest})`)),
    ...label('Poller', pollerText(report, page.nowMs)),
    ...label('Session', sessionText(report)),
  ];
}

function needsYou(page: StatusPage, report: StatusReport): string[] {
  const { style } = page;
  const waiting = waitingForYou(report.streams).flatMap((stream) => {
    const { symbol, word, paint } = style.state(stream.state);
    const age = ageMs(stream.since, page.nowMs);
    const title = `${symbol} ${style.clean(stream.id)}  ${word}${age === null ? '' : ` for ${duration(age)}`}`;
    return [`  ${paint(title)}`, ...explained(page, INDENT, stream.reason ?? '', stream.remedy)];
  });
  const alerts = alertsOf(report).flatMap(({ text, remedy }) => {
    const [first = '', ...more] = explained(page, INDENT, text, remedy);
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
function streamLines(page: StatusPage, stream: ReportStream, titleColumns: number): string[] {
  const { style } = page;
  const { symbol, word, paint } = style.state(stream.state);
  const age = ageMs(stream.since, page.nowMs);
  const tasks = `${stream.tasks.completed}/${stream.tasks.total}`.padStart(5);
  const title = pad(titleText(style, stream), titleColumns);
  const worker = [age === null ? '' : duration(age), workerText(stream)]
    .filter((fact) => fact !== '')
    .join('  ');
  const work = [changesOf(stream, style), usageText(stream)].filter((fact) => fact !== '');
  const bar = progressBar(style, stream.tasks, BAR, paint);
  const line = `  ${paint(symbol)} ${title} ${bar} ${tasks} ${paint(word.padEnd(13))} ${worker}`.trimEnd();
  const whole = [line, ...work].join('  ');
  const fits = widthOf(whole) <= page.columns;
  const notes = streamNotes(page, stream, fits ? [] : work).map(style.paint('gray'));
  return [fits ? whole : line, ...notes];
}

/** What a row can't hold: dependencies, what it is doing or waits for, why, and what to type. */
function streamNotes(page: StatusPage, stream: ReportStream, more: readonly string[]): string[] {
  const { style, neighbours } = page;
  const note = stream.needsYou ? '' : noteOf(stream, neighbours, page.nowMs);
  const dependencies =
    stream.state === 'waiting' || stream.dependencies.length === 0
      ? ''
      : `${style.glyphs.from} ${stream.dependencies.join(', ')}`;
  const text = [dependencies, note, ...more].filter((part) => part !== '').join(` ${style.glyphs.event} `);
  const remedy =
    stream.needsYou || (traitsOf(stream.state).telling.remedy === 'none' && !stream.stale)
      ? null
      : stream.remedy;
  return explained(page, INDENT, text, remedy);
}

function depthBlocks(page: StatusPage, report: StatusReport): string[] {
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
  const { columns, nowMs } = options;
  const page: StatusPage = { style, columns, nowMs, neighbours: neighboursOf(report.streams) };
  const events = eventRows(report.events, style, Number.POSITIVE_INFINITY, report.events.length);
  const none = section(
    page,
    'No streams',
    explained(page, 2, 'There is no plan yet.', 'orchestrate import PLAN'),
  );
  const lines = [
    ...overview(page, report),
    '',
    ...needsYou(page, report),
    ...(report.streams.length === 0 ? none : depthBlocks(page, report)),
    ...section(
      page,
      'Last events',
      events.map((line) => `  ${line}`),
    ),
    ...(isDone(report)
      ? section(page, 'Next', explained(page, 2, 'Look at what was made.', reviewCommand(report.streams)))
      : []),
  ];
  return lines.slice(0, -1);
}
