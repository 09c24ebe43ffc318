/** What `start` prints: one line for each event as it happens, and the closing summary with what to do next. */

import { eventTraits, type OrchestrateEvent, stateOfEvent } from '../../core/events.ts';
import { dollars, plural } from '../../core/printable.ts';
import { commandFor } from '../../core/shell-word.ts';
import { isFinished, tally, traitsOf } from '../../core/states.ts';
import type { ReportStream, StatusReport, TextStyle } from '../../report/types.ts';
import { depthGroups, forScreen } from '../../report/urgency.ts';
import { clock, duration } from '../amounts.ts';
import { createStyle, type Style } from '../style.ts';
import { finishedText } from '../summary/headline.ts';
import { changesOf } from '../summary/stream-note.ts';
import { cut, pad } from '../text-width.ts';
import { DONE_STEPS, doneLines } from './next-steps.ts';
import { explained, hanging, type Page, section } from './paragraphs.ts';

export type EventOptions = TextStyle & {
  /** Lines are cut at this width; null leaves them whole (output to a file). */
  readonly columns: number | null;
  /** Stream id of an event's key. */
  readonly streamOf: (key: string) => string | null;
  /** Columns for stream ids, so that messages stand below one another. */
  readonly idColumns?: number;
};

const ID_COLUMNS = 12;
const WORD_COLUMNS = 13;
const SHORT_SHA = 10;

/** A state's own symbol where the event is its entry, else a dot. */
function eventMark(style: Style, kind: OrchestrateEvent['kind']) {
  const state = stateOfEvent(kind);
  if (state !== null) return style.state(state);
  const colour = eventTraits(kind).mark === 'trouble' ? 'yellow' : 'gray';
  return { symbol: style.glyphs.event, word: style.clean(kind), paint: style.paint(colour) };
}

/** `12:03:44  Stream-B      ✓ done           verified at a1b2c3d`. */
export function describeEvent(event: OrchestrateEvent, options: EventOptions): string {
  const style = createStyle(options);
  const { symbol, word, paint } = eventMark(style, event.kind);
  const id = event.key === null ? '' : (options.streamOf(event.key) ?? event.key);
  const columns = options.columns ?? Number.POSITIVE_INFINITY;
  const idColumns = options.idColumns ?? ID_COLUMNS;
  const time = clock(event.atMs);
  const name = pad(cut(style.clean(id), Math.min(idColumns, columns), style.glyphs.ellipsis), idColumns);
  const mark = pad(`${symbol} ${word}`, WORD_COLUMNS + 2);
  const used = time.length + 2 + idColumns + 2 + WORD_COLUMNS + 2 + 2;
  const message = cut(style.clean(event.message), columns - used, style.glyphs.ellipsis);
  const line = `${style.paint('gray')(time)}  ${name}  ${paint(mark)}  ${message}`;
  return line.trimEnd();
}

function verdictLines({ style, columns }: Page, report: StatusReport): string[] {
  if (report.streams.every(isFinished)) return doneLines(report, style, columns);
  const { wanted, finished } = tally(report.streams);
  const took = report.elapsedMs === null ? '' : ` in ${duration(report.elapsedMs)}`;
  const cost = report.summary.costUsd === null ? '' : `, ${dollars(report.summary.costUsd)}`;
  const text = `${finishedText(report)}${took}${cost}; ${wanted - finished} not.`;
  return [style.paint('bold')(style.paint('yellow')(text))];
}

/** A stream's state and result in a line, with reason and remedy below where it is not done. */
export function resultLines(page: Page, stream: ReportStream): string[] {
  const { style } = page;
  const { symbol, word, paint } = style.state(stream.state);
  const name = stream.name === stream.id ? '' : ` (${style.clean(stream.name)})`;
  const dependencies = stream.dependencies.map((id) => style.clean(id)).join(', ');
  const from = dependencies === '' ? '' : ` ${style.glyphs.from} ${dependencies}`;
  const facts = [
    stream.stale ? `${word}, stale` : word,
    `${stream.tasks.completed}/${plural(stream.tasks.total, 'task')}`,
    changesOf(stream, style),
    stream.verifiedSha?.slice(0, SHORT_SHA) ?? '',
  ].filter((fact) => fact !== '');
  const title = { plain: `  ${symbol} `, shown: `  ${paint(symbol)} ` };
  const lines = hanging(page, title, `${style.clean(stream.id)}${name}${from}  ${facts.join('  ')}`);
  const { ownReason: reason } = stream;
  const why = reason === null ? [] : explained(page, 6, reason, stream.remedy);
  return [...lines, ...why];
}

/** True in a state that only its own remedy leaves; a plain `start` would change nothing for it. */
const needsRemedy = ({ state }: ReportStream): boolean => traitsOf(state).telling.remedy === 'only';

/** What to type next, each with what it is for. */
function nextSteps({ style }: Page, report: StatusReport): string[] {
  const open = report.streams.filter(({ state }) => {
    const { phase } = traitsOf(state);
    return phase !== 'settled' && phase !== 'waits';
  });
  const steps: (readonly [string, string])[] = [
    ...(report.streams.some(({ state }) => state === 'done') ? DONE_STEPS.slice(0, 1) : []),
    ...open.flatMap(({ id, pane, run }) => [
      ...(pane === null ? [] : [['Watch', commandFor('attach', id)] as const]),
      ...(run === null ? [] : [['Read', commandFor('logs', id)] as const]),
    ]),
    ...[...new Set(open.filter(needsRemedy).map(({ remedy }) => remedy))].flatMap((remedy) =>
      remedy === null ? [] : [['Fix', remedy] as const],
    ),
    ...(open.every(needsRemedy) ? [] : [['Go on', 'orchestrate start'] as const]),
  ];
  return steps.map(
    ([what, command]) =>
      `  ${style.paint('gray')(`${what}:`.padEnd(9))} ${style.paint('bold')(style.clean(command))}`,
  );
}

/**
 * The closing summary of `start`: the verdict, the dependency structure with each stream's result (reason and remedy where it
 * is not done), and what to do next.
 */
export function renderFinal(
  whole: StatusReport,
  options: TextStyle & { readonly columns: number },
): string[] {
  const report = forScreen(whole);
  const style = createStyle(options);
  const page: Page = { style, columns: options.columns };
  const lines = [
    ...verdictLines(page, report),
    '',
    ...depthGroups(report.streams).flatMap(({ depth, streams }) =>
      section(
        page,
        `Wave ${depth + 1}`,
        streams.flatMap((stream) => resultLines(page, stream)),
      ),
    ),
    ...(report.streams.every(isFinished) ? [] : section(page, 'Next', nextSteps(page, report))),
  ];
  return lines.slice(0, -1);
}
