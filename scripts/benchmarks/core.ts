/** The pure parts on great plans and hostile texts; what a text of the same size costs when it is harmless is the floor. */
import { findCycles } from '../../src/core/plan/cycles.ts';
import { fileOverlaps } from '../../src/core/plan/file-overlaps.ts';
import { maxParallel } from '../../src/core/plan/parallelism.ts';
import { buildPlan } from '../../src/core/plan/plan.ts';
import { printable } from '../../src/core/printable.ts';
import { STREAM_STATES } from '../../src/core/states.ts';

import { parsePlanFile } from '../../src/plan-file/parse.ts';
import { readablePaneBytes } from '../../src/view/log/readable-bytes.ts';
import { renderStatus } from '../../src/view/pages/status-text.ts';
import { agoIso, NOW_MS, report, stream } from '../../test/support/report-builders.ts';
import { type Benchmark, byTurns, durationMs, type Figure } from './measure.ts';

const ROUNDS = 7;

type Case = { readonly name: string; readonly work: () => unknown; readonly floor?: () => unknown };

const rows = Array.from({ length: 10_000 }, (_, at) => {
  const number = Math.floor(at / 10);
  const dependencies = number < 10 ? [] : [`S-${number - 10}`, `S-${number - 3}`];
  const metadata = JSON.stringify({ streamId: `S-${number}`, dependencies });
  return {
    id: `TASK-${at}`,
    title: `Task ${at}`,
    status: 'pending',
    createdAtMs: at,
    updatedAtMs: at,
    notes: null,
    blockedReason: null,
    metadata,
    metadataError: null,
  };
});

const triangles = Array.from({ length: 4_000 }, (_, at) => [
  { id: `a${at}`, dependencies: [`b${at}`] },
  { id: `b${at}`, dependencies: [`c${at}`] },
  { id: `c${at}`, dependencies: [`a${at}`] },
]).flat();

const ladder = Array.from({ length: 300 }, (_, at) => ({
  id: `s${at}`,
  dependencies: at < 10 ? [] : [`s${at - 10}`, `s${at - 7}`],
}));

const claims = Array.from({ length: 1_000 }, (_, at) => ({
  id: `s${at}`,
  files: ['package.json', `src/${at}/**`],
  dependencies: [],
}));

const thousand = report(
  Array.from({ length: 1_000 }, (_, at) =>
    stream(`Stream-${at}-統合`, STREAM_STATES[at % STREAM_STATES.length] ?? 'ready', {
      depth: at % 30,
      dependencies: at > 30 ? [`Stream-${at - 30}-統合`] : [],
      since: agoIso(at * 1000),
      reason: 'permission: Bash npm test',
    }),
  ),
);
const screen = { columns: 200, colour: true, unicode: true, nowMs: NOW_MS };

const bomb = [...'bcdefgh'].reduce(
  (text, key, at) => `${text}${key}: &${key} [${`*${'abcdefg'[at]},`.repeat(10)}]\n`,
  `a: &a [${'x,'.repeat(10)}]\n`,
);
const harmless = 'x'.repeat(4_000_000);

const CASES: readonly Case[] = [
  { name: 'a plan of 10,000 tasks', work: () => buildPlan(rows, null, 0) },
  { name: '4,000 cycles', work: () => findCycles(triangles) },
  { name: 'width of 300 streams', work: () => maxParallel(ladder) },
  { name: '1,000 claims of one file', work: () => fileOverlaps(claims, 200) },
  { name: '1,000 streams drawn', work: () => renderStatus(thousand, screen) },
  { name: 'a plan file of aliases', work: () => parsePlanFile(bomb) },
  { name: 'a plan file 200,000 deep', work: () => parsePlanFile('{a: '.repeat(200_000)) },
  {
    name: '4 MB of escapes made printable',
    work: () => printable('\u001b]'.repeat(2_000_000)),
    floor: () => printable(harmless),
  },
  {
    name: '1 MB of erasures in a log',
    work: () => readablePaneBytes(`${'\u001b]'.repeat(250_000)}${'x\b'.repeat(250_000)}\n`, () => null),
    floor: () => readablePaneBytes(`${'x'.repeat(1_000_000)}\n`, () => null),
  },
];

async function measure({ name, work, floor }: Case): Promise<Figure> {
  const [samples, floors] = await byTurns(ROUNDS, [
    () => durationMs(work),
    () => (floor === undefined ? Number.NaN : durationMs(floor)),
  ]);
  return {
    name,
    unit: 'ms',
    samples,
    floor: floor === undefined ? null : { name: 'the same size, harmless', samples: floors },
  };
}

export const core: readonly Benchmark[] = [
  {
    name: 'core',
    summary: 'the pure parts on great plans and hostile texts',
    async run() {
      const figures: Figure[] = [];
      for (const each of CASES) figures.push(await measure(each));
      return figures;
    },
  },
];
