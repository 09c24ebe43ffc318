/** What a picture of the live summary costs, after a report and after a key, with plans of all sizes beside one of four streams. */
import { STREAM_STATES } from '../../src/core/states.ts';
import type { StatusReport } from '../../src/report/types.ts';
import { type CockpitEvent, createCockpit } from '../../src/view/summary/cockpit.ts';
import { drawCockpit } from '../../src/view/summary/cockpit-draw.ts';
import { update } from '../../src/view/summary/cockpit-keys.ts';
import { agoIso, NOW_MS, report, stream } from '../../test/support/report-builders.ts';
import { type Benchmark, byTurns, durationMs, type Figure } from './measure.ts';
import { amount, eachOf, sizes } from './projects.ts';

const ROUNDS = 15;
/** Drawn first, so that what is measured is not the compiler. */
const WARM = 10;
const SIZE = { columns: 120, rows: 40 };
const LOOK = { ...SIZE, colour: true, unicode: true, nowMs: NOW_MS, session: true };

function reportOf(streams: number): StatusReport {
  return report(
    Array.from({ length: streams }, (_, at) =>
      stream(`Stream-${at}`, STREAM_STATES[at % STREAM_STATES.length] ?? 'ready', {
        depth: at % 10,
        dependencies: at % 10 === 0 ? [] : [`Stream-${at - 1}`],
        since: agoIso(at * 1_000),
        reason: 'permission: Bash npm test',
      }),
    ),
  );
}

/** A summary that takes an event and draws. */
function summary(): (event: CockpitEvent) => void {
  let model = createCockpit(true);
  return (event) => {
    model = update(model, event, SIZE).model;
    drawCockpit(model, LOOK);
  };
}

/** Each report is another one, as each look makes one; the keys go down and up again. */
function drawn(streams: number) {
  const take = summary();
  const reports = Array.from({ length: ROUNDS + WARM }, () => reportOf(streams));
  let keys = 0;
  const whole = () => durationMs(() => take({ kind: 'report', report: reports.pop() ?? reportOf(streams) }));
  const key = () => {
    keys += 1;
    return durationMs(() => take({ kind: 'key', name: keys % 2 === 0 ? 'up' : 'down' }));
  };
  return { whole, key };
}

async function redraw(streams: number): Promise<readonly Figure[]> {
  const [many, four] = [drawn(streams), drawn(4)];
  const all = [many.whole, many.key, four.whole, four.key] as const;
  await byTurns(WARM, all);
  const [whole, key, wholeFloor, keyFloor] = await byTurns(ROUNDS, all);
  const of = `of ${amount(streams)} streams`;
  return [
    { name: `a new report ${of}`, unit: 'ms', samples: whole, floor: { name: 'of 4', samples: wholeFloor } },
    { name: `a key in a plan ${of}`, unit: 'ms', samples: key, floor: { name: 'of 4', samples: keyFloor } },
  ];
}

export const redrawing: readonly Benchmark[] = [
  {
    name: 'redraw',
    summary: 'a picture of the live summary with 30 to 3,000 streams, beside one of 4',
    run: (full) =>
      eachOf(
        sizes(full).filter((streams) => streams > 4),
        redraw,
      ),
  },
];
