/** What the session's windows, borders and status line are to show of a report: fixed words and numbers only. */

import { isFinished, tally } from '../../core/states.ts';
import type { ReportStream, StatusReport } from '../../report/types.ts';
import { mostUrgentFirst } from '../../report/urgency.ts';
import { ageMs, duration } from '../amounts.ts';
import { createStyle, type Style } from '../style.ts';
import { cut } from '../text-width.ts';

/** A living worker's pane with its label. */
type Shown = {
  readonly pane: string;
  readonly urgent: boolean;
  readonly name: string;
  readonly label: string;
};

/** Longest name in the list of windows. */
const NAME = 24;

/** What the stream is called, in letters, digits and a few signs: a `#`, `%` or `[` in it would be read by tmux as its own. */
function nameOf(style: Style, { id, name }: ReportStream): string {
  const called = style.clean(name === '' ? id : name).replace(/[^\p{L}\p{M}\p{N} _.+:&/()-]+/gu, ' ');
  return cut(called.replace(/ +/g, ' ').trim(), NAME, style.glyphs.ellipsis);
}

/** Ages in steps that need no look every second. */
function ageText(stream: ReportStream, nowMs: number): string {
  const age = ageMs(stream.since, nowMs);
  if (age === null) return '';
  return age < 60_000 ? '<1m' : duration(age);
}

function labelOf(style: Style, stream: ReportStream, nowMs: number): string {
  const { symbol, word } = style.state(stream.state);
  if (isFinished(stream)) return `${symbol} ${word}`;
  return `${symbol} ${word} ${ageText(stream, nowMs)}`.trimEnd();
}

/** Streams whose pane is in `alive`, those that need the user first, with labels; and the totals for the status line. */
export function viewRequest(
  report: StatusReport,
  alive: ReadonlySet<string>,
  look: { readonly unicode: boolean; readonly nowMs: number },
): { readonly workers: readonly Shown[]; readonly needs: string; readonly totals: string } {
  const style = createStyle({ colour: false, unicode: look.unicode });
  const workers = mostUrgentFirst(report.streams).flatMap((stream): Shown[] =>
    stream.pane === null || !alive.has(stream.pane)
      ? []
      : [
          {
            pane: stream.pane,
            urgent: stream.needsYou,
            name: nameOf(style, stream),
            label: labelOf(style, stream, look.nowMs),
          },
        ],
  );
  const { streams, needsYou } = report.summary;
  const { finished, wanted } = tally(report.streams);
  const running = (streams.running ?? 0) + (streams.starting ?? 0) + (streams.verifying ?? 0);
  const needs =
    needsYou === 0 ? '' : `${style.glyphs.alert} ${needsYou} need${needsYou === 1 ? 's' : ''} you`;
  const { symbol: busy } = style.state('running');
  const { symbol: done } = style.state('done');
  return {
    workers,
    needs,
    totals: `${busy} ${running} running  ${done} ${finished}/${wanted} done`,
  };
}
