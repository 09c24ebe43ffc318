/** The last things that happened, one line each, the latest at the bottom. */

import { newsAmong } from '../../core/events.ts';
import type { ReportEvent } from '../../report/types.ts';
import { clock } from '../amounts.ts';
import type { Style } from '../style.ts';
import { type Column, renderTable } from '../table.ts';

/** The last `count` events in lines of at most `columns`. */
export function eventRows(
  events: readonly ReportEvent[],
  style: Style,
  columns: number,
  count: number,
): string[] {
  const gray = style.paint('gray');
  const table: Column<ReportEvent>[] = [
    {
      cell: ({ at }) => ({ text: clock(Date.parse(at)), paint: gray }),
      min: 8,
      max: 8,
      align: 'left',
      rank: 2,
    },
    {
      cell: ({ stream }) => ({ text: stream === null ? '' : style.clean(stream), paint: style.plain }),
      min: 6,
      max: 20,
      align: 'left',
      rank: 1,
    },
    {
      cell: ({ message }) => ({ text: style.clean(message), paint: gray }),
      min: 12,
      max: 400,
      align: 'left',
      rank: 0,
    },
  ];
  return count <= 0
    ? []
    : renderTable(style, newsAmong(events, ({ stream }) => stream).slice(-count), table, columns, 2);
}
