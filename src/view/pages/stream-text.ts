/** `status <stream>` for people: everything about one stream, from its tasks to how to take over its conversation. */

import { newsAmong } from '../../core/events.ts';
import { plural } from '../../core/printable.ts';
import { commandFor } from '../../core/shell-word.ts';
import { isLively } from '../../core/states.ts';
import type { Run, Task } from '../../core/types.ts';
import type { ReportStream, StreamDetail, TextStyle } from '../../report/types.ts';
import { shortPaths } from '../../report/urgency.ts';
import { ageMs, amount, duration, moment, usageText } from '../amounts.ts';
import { createStyle } from '../style.ts';
import { progressBar } from '../summary/bar.ts';
import { changesOf, dueText, taskMark } from '../summary/stream-note.ts';
import { widthOf } from '../text-width.ts';
import { explained, hanging, labelled, type Page, section } from './paragraphs.ts';

export type StreamTextOptions = TextStyle & {
  readonly columns: number;
  readonly nowMs: number;
  /** Paths below it are shown without it. */
  readonly root: string;
};

const SHORT_SHA = 10;
const FILES_SHOWN = 40;
const BAR = 20;

type StreamPage = Page & { readonly nowMs: number; readonly root: string };

const short = (sha: string | null): string | null => (sha === null ? null : sha.slice(0, SHORT_SHA));

function title(page: StreamPage, stream: ReportStream): string[] {
  const { style, nowMs } = page;
  const { symbol, word, paint } = style.state(stream.state);
  const age = ageMs(stream.since, nowMs);
  const name = stream.name === stream.id ? '' : `  ${stream.name}`;
  const marks = [stream.stale ? 'stale' : '', stream.landed ? 'landed' : ''].filter((mark) => mark !== '');
  const state = `${[word, ...marks].join(', ')}${age === null ? '' : ` for ${duration(age)}`}`;
  const head = `${stream.id}${name}`;
  const bold = style.paint('bold');
  if (widthOf(`${symbol} ${style.clean(head)}  ${state}`) <= page.columns)
    return [`${paint(symbol)} ${bold(style.clean(head))}  ${paint(state)}`];
  const lead = { plain: `${symbol} `, shown: `${paint(symbol)} ` };
  return [...hanging(page, lead, head, bold), `  ${paint(state)}`];
}

/** Why it is in its state, with the paths of the project made short. */
function shownReason({ root }: StreamPage, stream: ReportStream): string {
  return shortPaths(stream.ownReason ?? 'not running', root);
}

/** What it is doing, why it is in this state, and what the user can do. */
function situation(page: StreamPage, stream: ReportStream): string[] {
  // A task stays in progress in the store also when nobody works on it any more.
  const doing = stream.doing ?? (isLively(stream.state) ? stream.currentTask : null);
  const due = dueText(stream, page.nowMs);
  return [
    ...(stream.reason === null ? [] : explained(page, 2, shownReason(page, stream), stream.remedy)),
    ...(due === null ? [] : labelled(page, 'Next', due)),
    ...(doing === null || stream.state === 'done' ? [] : labelled(page, 'Doing', doing)),
    ...(stream.dependencies.length === 0
      ? []
      : labelled(page, 'Depends', `on ${stream.dependencies.join(', ')}`)),
    ...(stream.blockedBy.length === 0
      ? []
      : labelled(page, 'Blocked', `until done: ${stream.blockedBy.join(', ')}`)),
  ];
}

function taskLines(page: StreamPage, task: Task): string[] {
  const { style } = page;
  const { like, word } = taskMark(task.status);
  const { symbol, paint } = style.state(like);
  const agent = task.assignedAgent === null ? '' : ` @${task.assignedAgent}`;
  const lead = `  ${symbol} ${word.padEnd(11)} `;
  return [
    ...hanging(page, { plain: lead, shown: paint(lead) }, task.title),
    ...hanging(
      page,
      { plain: ' '.repeat(16), shown: ' '.repeat(16) },
      `${task.id}${agent}`,
      style.paint('gray'),
    ),
    ...(task.blockedReason === null ? [] : explained(page, 16, `blocked: ${task.blockedReason}`, null)),
    ...(task.notes === null || task.notes === '' ? [] : explained(page, 16, task.notes, null)),
  ];
}

function tasks(page: StreamPage, detail: StreamDetail): string[] {
  const { style } = page;
  const { completed, total } = detail.stream.tasks;
  const bar = progressBar(style, detail.stream.tasks, BAR, style.paint('cyan'));
  const lines = detail.tasks.flatMap((task) => taskLines(page, task));
  return section(page, `Tasks ${bar} ${completed}/${total}`, lines);
}

/** How a run ended, or where it lives. */
function runFacts(run: Run): readonly (string | null)[] {
  if (run.endedAtMs !== null) return [run.exitCode === null ? null : `exit ${run.exitCode}`];
  return [
    run.worker === null ? null : `pid ${run.worker.pid}`,
    run.pane === null ? null : `pane ${run.pane}`,
  ];
}

function runLines(page: StreamPage, run: Run): string[] {
  const { nowMs } = page;
  const { verdict } = run;
  const lasted = duration((run.endedAtMs ?? nowMs) - run.startedAtMs);
  const line = [
    `${run.number}  ${run.endedAtMs === null ? 'open' : (run.outcome ?? 'ended')}`,
    `from ${moment(run.startedAtMs, nowMs)}, ${lasted}`,
    ...runFacts(run),
    verdict === null || verdict.sha === null ? null : `checked at ${short(verdict.sha)}`,
    run.nudges === 0 ? null : plural(run.nudges, 'reminder'),
  ];
  const missing = verdict === null || verdict.ok ? null : verdict.message;
  const why = new Set([run.reason, missing].filter((text) => text !== null));
  return [
    ...hanging(page, { plain: '  ', shown: '  ' }, line.filter((fact) => fact !== null).join('  ')),
    ...[...why].flatMap((text) => explained(page, 5, shortPaths(text, page.root), null)),
  ];
}

function code(page: StreamPage, { stream, record, files }: StreamDetail): string[] {
  const label = (name: string, text: string | null): string[] =>
    text === null || text === '' ? [] : labelled(page, name, text);
  const parents = record?.base?.parents ?? [];
  const isMade = parents.some((sha) => sha !== stream.baseSha);
  const madeFrom = isMade ? `, made from ${parents.map(short).join(' and ')}` : '';
  const verified = record?.verified ?? null;
  const conflict = record?.conflict ?? null;
  const shown = files.slice(0, FILES_SHOWN).map((file) => `  ${page.style.clean(file)}`);
  const hidden = files.length - shown.length;
  return [
    ...label('Branch', stream.branch),
    ...label('Worktree', stream.worktree),
    ...label('Base', stream.baseSha === null ? null : `${short(stream.baseSha)}${madeFrom}`),
    ...label('Head', short(stream.headSha)),
    ...label(
      'Verified',
      verified === null
        ? null
        : `${short(verified.sha)} at ${moment(verified.atMs, page.nowMs)}${verified.adopted ? ', adopted' : ''}`,
    ),
    ...label('Conflict', conflict === null ? null : `of its dependencies in ${conflict.files.join(', ')}`),
    ...label('Changes', changesOf(stream, page.style)),
    ...label('Used', usedText(stream)),
    ...shown,
    ...(hidden > 0 ? [`  ${page.style.glyphs.ellipsis} ${plural(hidden, 'more file')}`] : []),
  ];
}

/** Tokens and dollars over all runs, with the tokens that came from the cache; null when nothing is known. */
export function usedText(stream: ReportStream): string | null {
  const used = usageText(stream);
  if (used === '') return null;
  const { cachedTokens } = stream;
  return cachedTokens === null || cachedTokens === 0
    ? used
    : `${used} (${amount(cachedTokens)} more from the cache)`;
}

function commitLines(page: StreamPage, commit: StreamDetail['commits'][number]): string[] {
  const lead = `  ${short(commit.sha)}  `;
  const text = `${commit.subject}  ${commit.author}, ${moment(commit.atMs, page.nowMs)}`;
  return hanging(page, { plain: lead, shown: page.style.paint('gray')(lead) }, text);
}

function gateLines(page: StreamPage, gate: StreamDetail['gates'][number]): string[] {
  const { style, nowMs, root } = page;
  const ok = gate.exitCode === 0 && !gate.timedOut;
  const { symbol, paint } = style.state(ok ? 'done' : 'failed');
  const result = gate.timedOut
    ? 'timed out'
    : gate.exitCode === null
      ? 'ended by a signal'
      : `exit ${gate.exitCode}`;
  const took = duration(gate.endedAtMs - gate.startedAtMs);
  const text = `${gate.name}  ${result} after ${took}  on ${short(gate.sha)}  ${moment(gate.endedAtMs, nowMs)}  log: ${shortPaths(gate.log, root)}`;
  return hanging(page, { plain: `  ${symbol} `, shown: `  ${paint(symbol)} ` }, text);
}

function commands(page: StreamPage, { stream, attach, resume }: StreamDetail): string[] {
  const label = (name: string, command: string | null): string[] =>
    command === null
      ? []
      : [
          `  ${page.style.paint('gray')(name.padEnd(8))} ${page.style.paint('bold')(page.style.clean(command))}`,
        ];
  return [
    ...label('attach', attach),
    ...label('logs', stream.run === null ? null : commandFor('logs', stream.id)),
    ...label('resume', resume),
  ];
}

/** Everything about one stream as lines of text, wrapped at `columns`; all texts are taken as untrusted. */
export function renderStream(detail: StreamDetail, options: StreamTextOptions): string[] {
  const page: StreamPage = {
    style: createStyle(options),
    columns: options.columns,
    nowMs: options.nowMs,
    root: options.root,
  };
  const { style, nowMs } = page;
  const events = newsAmong(detail.events, () => null).flatMap(({ atMs, message }) => {
    const lead = `  ${moment(atMs, nowMs)}  `;
    return hanging(page, { plain: lead, shown: style.paint('gray')(lead) }, shortPaths(message, page.root));
  });
  const lines = [
    ...title(page, detail.stream),
    ...situation(page, detail.stream),
    '',
    ...tasks(page, detail),
    ...section(
      page,
      'Runs',
      (detail.record?.runs ?? []).flatMap((run) => runLines(page, run)),
    ),
    ...section(page, 'Code', code(page, detail)),
    ...section(
      page,
      'Commits',
      detail.commits.flatMap((commit) => commitLines(page, commit)),
    ),
    ...section(
      page,
      'Gates',
      detail.gates.flatMap((gate) => gateLines(page, gate)),
    ),
    ...section(page, 'Events', events),
    ...section(page, 'Commands', commands(page, detail)),
  ];
  return lines.slice(0, -1);
}
