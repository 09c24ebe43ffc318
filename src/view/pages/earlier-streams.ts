/** Shows the streams of earlier initiatives below, or in the JSON among, those of the current one. */
import { addCounts } from '../../core/plan/task-counts.ts';
import type { ReportStream, StatusReport, TextStyle } from '../../report/types.ts';
import { createStyle } from '../style.ts';
import { resultLines } from './progress-lines.ts';

/** The streams of a plan that is not current any more; `title` is null for those that never had one. */
export type Earlier = {
  readonly id: string | null;
  readonly title: string | null;
  readonly streams: readonly ReportStream[];
};

/** The report with the earlier streams behind the current ones (each with its `initiative`), and counted with them. */
export function withEarlier(report: StatusReport, earlier: readonly Earlier[]): object {
  const added = earlier.flatMap(({ id, streams }) =>
    streams.map((stream) => ({ ...stream, initiative: id })),
  );
  const streams = [
    ...report.streams.map((stream) => ({ ...stream, initiative: report.initiative?.id ?? null })),
    ...added,
  ];
  const counts: Record<string, number> = { ...report.summary.streams, total: streams.length };
  for (const { state } of added) counts[state] = (counts[state] ?? 0) + 1;
  const tasks = addCounts(streams.map((stream) => stream.tasks));
  return { ...report, summary: { ...report.summary, streams: counts, tasks }, streams };
}

/** A paragraph for each earlier initiative, one line a stream. */
export function earlierLines(
  earlier: readonly Earlier[],
  look: TextStyle & { readonly columns: number },
): string[] {
  const style = createStyle(look);
  return earlier.flatMap(({ title, streams }) => [
    '',
    style.paint('bold')(`Earlier: ${style.clean(title ?? 'without an initiative')}`),
    ...streams.flatMap((stream) =>
      resultLines({ style, columns: look.columns }, { ...stream, reason: null }),
    ),
  ]);
}
