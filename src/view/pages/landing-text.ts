/** The report of `merge` as text: the line, what is left out and why, the gates, what to type next. */
import type { LandingReport } from '../../core/landing.ts';
import type { Style } from '../style.ts';

const SHORT = 10;
const FILES = 5;

/** Lines to print. */
export function renderLanding(report: LandingReport, style: Style): readonly string[] {
  const { dryRun, branch, strategy, from, to, landed } = report;
  const { clean, glyphs } = style;
  const verb = dryRun ? 'Would land' : 'Landed';
  const head =
    landed.length === 0
      ? `Nothing ${dryRun ? 'would land' : 'landed'} on ${clean(branch)}.`
      : `${verb} on ${clean(branch)} by ${strategy} (${from.slice(0, SHORT)} ${glyphs.to} ${dryRun ? 'a new tip' : to.slice(0, SHORT)}):`;
  return [
    head,
    ...landed.map((each) => landedLine(report, each, style)),
    ...report.contained.map((id) => `  = ${clean(id)}  is there already`),
    ...report.clashes.flatMap((clash) => clashLines(report, clash, style)),
    ...report.rejected.flatMap(({ stream, why, remedy }) => [
      style.paint('red')(`  ! ${clean(stream)}  is left out: ${clean(why)}`),
      `      ${glyphs.fix} ${clean(remedy)}`,
    ]),
    ...report.waiting.map(({ stream, on }) => `  . ${clean(stream)}  waits for ${on.map(clean).join(', ')}`),
    ...report.notDone.flatMap((each) => notDoneLines(each, style)),
    ...gatesLine(report, style),
    ...refusalLines(report, style),
    ...(report.next === null ? [] : [`Next: ${report.next}`]),
  ];
}

function landedLine({ dryRun }: LandingReport, each: LandingReport['landed'][number], style: Style): string {
  const { clean } = style;
  const name = each.name === each.stream ? '' : `  ${clean(each.name)}`;
  const last = each.commits.at(-1)?.slice(0, SHORT) ?? '';
  const commits = each.commits.length === 1 ? '' : ` (${each.commits.length} commits)`;
  const came = each.with === null ? '' : `  with ${clean(each.with)}, which resolved its clash`;
  return `  ${style.paint('green')('+')} ${clean(each.stream)}${name}${dryRun ? '' : `  ${last}`}${commits}${came}`;
}

function clashLines(
  { branch }: LandingReport,
  { stream, files, against, remedy }: LandingReport['clashes'][number],
  style: Style,
): string[] {
  const { clean } = style;
  const other = against.length === 0 ? clean(branch) : against.map(clean).join(', ');
  const more = files.length > FILES ? ` and ${files.length - FILES} more` : '';
  const named = `${files.slice(0, FILES).map(clean).join(', ')}${more}`;
  return [
    style.paint('red')(`  ! ${clean(stream)}  clashes with ${other} in ${named}`),
    `      ${style.glyphs.fix} ${clean(remedy)}`,
  ];
}

function notDoneLines(
  { stream, state, reason, remedy }: LandingReport['notDone'][number],
  style: Style,
): string[] {
  const { clean } = style;
  // A reason that begins with its state ("parked by you") says it once.
  const what = reason === null ? state : reason.startsWith(state) ? reason : `${state}: ${reason}`;
  const line = `  . ${clean(stream)}  ${clean(what)}`;
  return remedy === null ? [line] : [line, `      ${style.glyphs.fix} ${clean(remedy)}`];
}

function gatesLine({ gates }: LandingReport, { clean }: Style): string[] {
  const names = gates.names.map(clean).join(', ');
  const said: Readonly<Record<LandingReport['gates']['status'], string | null>> = {
    none: null,
    skipped: `not run (--no-gates): ${names}`,
    hold: `hold (${names}): the result is exactly what ${clean(gates.as ?? '')} passed them with`,
    passed: `passed: ${names}`,
    failed: `failed: ${names}`,
    'to-run': `to run on the result: ${names}`,
  };
  const words = said[gates.status];
  return words === null ? [] : [`Gates ${words}`];
}

function refusalLines({ refusal }: LandingReport, { clean, glyphs, paint }: Style): string[] {
  if (refusal === null) return [];
  return [paint('red')(`Refused: ${clean(refusal.message)}`), `      ${glyphs.fix} ${clean(refusal.fix)}`];
}
