/** The whole plan as Markdown, for a pull request or an archive; nothing that a plan or an agent wrote acts in it. */
import { dollars, plural, printable } from '../../core/printable.ts';
import type { Task } from '../../core/types.ts';
import type { PlanReport, ReportedStream } from '../../report/types.ts';
import { duration } from '../amounts.ts';
import { finishedText } from '../summary/headline.ts';

const SHORT_SHA = 10;

/** Lines of the report. */
export function markdownReport(report: PlanReport): string[] {
  const { initiative, summary, streams, at } = report;
  const landed = streams.filter((stream) => stream.landed).length;
  return [
    `# ${plain(initiative?.title ?? report.workspace)}`,
    '',
    `${finishedText(report)}, ${landed} landed; ${summary.tasks.completed} of ${plural(summary.tasks.total, 'task')} completed.`,
    ...totals(report),
    '',
    '## Streams',
    '',
    ...table(streams),
    ...streams.flatMap(streamSection),
    '',
    `*Written by orchestrate, ${at}.*`,
  ];
}

function totals({ elapsedMs, summary, streams }: PlanReport): string[] {
  const worked = streams.reduce((sum, { workedMs }) => sum + (workedMs ?? 0), 0);
  const commits = streams.reduce((sum, stream) => sum + (stream.commits ?? 0), 0);
  const added = streams.reduce((sum, stream) => sum + (stream.added ?? 0), 0);
  const removed = streams.reduce((sum, stream) => sum + (stream.removed ?? 0), 0);
  const facts = [
    elapsedMs === null ? null : `${duration(elapsedMs)} from the first run to the last stream`,
    `${duration(worked)} of agents' work`,
    `${plural(commits, 'commit')}, +${added} −${removed} lines`,
    summary.tokens === null ? null : `${summary.tokens} tokens`,
    summary.costUsd === null ? null : dollars(summary.costUsd),
  ];
  return ['', `${facts.filter((fact) => fact !== null).join('; ')}.`];
}

function table(streams: readonly ReportedStream[]): string[] {
  const head = [
    'Stream',
    'State',
    'Builds on',
    'Tasks',
    'Commits',
    'Lines',
    'Time',
    'Attempts',
    'Tokens',
    'Cost',
  ];
  const rows = streams.map((stream) => [
    nameOf(stream, ' '),
    stream.landed ? `${stream.state}, landed` : stream.state,
    stream.dependencies.map(plain).join(', '),
    `${stream.tasks.completed}/${stream.tasks.total}`,
    String(stream.commits ?? 0),
    `+${stream.added ?? 0} −${stream.removed ?? 0}`,
    known(stream.workedMs, duration),
    String(stream.runs.length),
    known(stream.tokens, String),
    known(stream.costUsd, dollars),
  ]);
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

function nameOf({ id, name }: ReportedStream, between: string): string {
  return plain(name === id ? id : `${id}${between}${name}`);
}

/** A fact in words; empty where nobody knows it. */
function known(fact: number | null, words: (fact: number) => string): string {
  return fact === null ? '' : words(fact);
}

function streamSection(stream: ReportedStream): string[] {
  const { commitList, gates, runs, landings } = stream;
  return [
    '',
    `### ${nameOf(stream, ': ')}`,
    ...(stream.reason === null ? [] : ['', `${stream.state}: ${plain(stream.reason)}`]),
    '',
    ...stream.taskList.flatMap(taskLines),
    ...list(
      'Commits',
      commitList.map(({ sha, subject }) => `\`${sha.slice(0, SHORT_SHA)}\` ${plain(subject)}`),
    ),
    ...list(
      'Landed as',
      landings.map(
        ({ branch, commits }) =>
          `${commits.map((sha) => `\`${sha.slice(0, SHORT_SHA)}\``).join(', ')} on ${plain(branch)}`,
      ),
    ),
    ...list(
      'Gates',
      gates.map(({ name, ok, ms }) => `${plain(name)}: ${ok ? 'passed' : 'failed'} (${duration(ms)})`),
    ),
    ...list(
      'Attempts',
      runs.map(
        ({ number, outcome, reason }) =>
          `${number}: ${outcome ?? 'under way'}${reason === null ? '' : `, ${plain(reason)}`}`,
      ),
    ),
  ];
}

function list(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : ['', `**${title}**`, '', ...items.map((item) => `- ${item}`)];
}

function taskLines({ title, status, notes }: Task): string[] {
  const box = status === 'completed' ? '[x]' : '[ ]';
  const state = status === 'completed' || status === 'pending' ? '' : ` (${status})`;
  const said = (notes ?? '').split(/\r\n|[\n\r]/).filter((line) => line.trim() !== '');
  return [`- ${box} ${plain(title)}${state}`, ...said.map((line) => `  > ${plain(line)}  `)];
}

/** Characters that mean something in Markdown wherever they are in a line. */
const ACTIVE = /[\\`*_{}[\]<>|~$^]/g;
/** What makes the beginning of a line a heading, a list, a quote or a rule. */
const LEADING = /^(?:[#+\-=]|\d+(?=[.)]))/;

/**
 * A line of somebody else's as the very text: no markup, no HTML, no link, nobody mentioned and no number referred to (a word
 * joiner, which is not seen, comes between).
 */
export function plain(text: string): string {
  return printable(text)
    .trim()
    .replaceAll('&', '&amp;')
    .replace(ACTIVE, (character) => (character === '<' ? '&lt;' : `\\${character}`))
    .replace(LEADING, (start) => (/^\d/.test(start) ? `${start}\u2060` : `\\${start}`))
    .replace(/@(?=\S)/g, '@\u2060')
    .replace(/#(?=\d)/g, '#\u2060')
    .replace(/:(?=\/\/)/g, ':\u2060')
    .replace(/\bwww(?=\.)/gi, (found) => `${found}\u2060`);
}
