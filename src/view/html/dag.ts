/** Lays the plan out as a drawing, from dependency to dependent: where each stream and each line goes; pure, and knows no colours. */
import { isFinished } from '../../core/states.ts';
import type { ReportStream, StatusReport } from '../../report/types.ts';
import { depthGroups } from '../../report/urgency.ts';

/** Of a line: on the critical path, from a stream that is finished, or neither. */
export type LineKind = 'critical' | 'finished' | 'open';

/** A drawing `height` pixels high. Horizontal measures are thousandths of its width, so that it fits any. */
export type Drawing = {
  readonly height: number;
  /** Many streams: small tiles in rows, waves below one another; else cards, waves side by side. */
  readonly dense: boolean;
  readonly waves: readonly { readonly depth: number; readonly x: number; readonly y: number }[];
  readonly boxes: readonly {
    readonly stream: ReportStream;
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  }[];
  /** The lines of each kind as one SVG path. */
  readonly lines: ReadonlyMap<LineKind, string>;
  /** How many lines there would be, where they are too many to tell apart; else 0. */
  readonly untold: number;
};

/** A stream in its place, or (null) the place where a line passes a wave. */
type Node = {
  readonly stream: ReportStream | null;
  readonly size: number;
  readonly from: Node[];
  readonly to: Node[];
  /** Its middle across the flow. */
  at: number;
};

const WIDTH = 1000;
const HEADING = 26;
const CARD = { height: 64, gap: 12, passing: 10, share: 0.82 };
const TILE = { height: 26, gap: 6, perRow: 25, share: 0.86, between: 22 };
/** More streams, waves, or streams in one wave are drawn as tiles. */
const MOST = { streams: 120, waves: 14, abreast: 24 };
const MOST_LINES = 2_500;
const SWEEPS = 8;

/** Streams with what they directly build on: what follows from other dependencies is left out, and so is what leads nowhere or back. */
function directDependencies(streams: readonly ReportStream[]): Map<ReportStream, ReportStream[]> {
  const byId = new Map(streams.map((stream, place) => [stream.id, { stream, bit: 1n << BigInt(place) }]));
  const above = new Map<string, bigint>();
  const direct = new Map<ReportStream, ReportStream[]>();
  for (const stream of streams) {
    const found = [...new Set(stream.dependencies)].flatMap((id) => {
      const other = byId.get(id);
      return other !== undefined && other.stream.depth < stream.depth ? [other] : [];
    });
    const implied = found.reduce((all, other) => all | (above.get(other.stream.id) ?? 0n), 0n);
    above.set(
      stream.id,
      found.reduce((all, { bit }) => all | bit, implied),
    );
    direct.set(
      stream,
      found.filter(({ bit }) => (implied & bit) === 0n).map((other) => other.stream),
    );
  }
  return direct;
}

/** The drawing of a report's plan; null where there is nothing to draw. */
export function drawingOf({ streams, criticalPath }: StatusReport): Drawing | null {
  if (streams.length === 0) return null;
  const waves = depthGroups(streams);
  const direct = directDependencies(waves.flatMap((wave) => wave.streams));
  const abreast = waves.reduce((most, wave) => Math.max(most, wave.streams.length), 0);
  const dense = streams.length > MOST.streams || waves.length > MOST.waves || abreast > MOST.abreast;
  const next = new Map(criticalPath.map((id, at) => [id, criticalPath[at + 1]]));
  const kindOf = (from: ReportStream, to: ReportStream): LineKind => {
    if (next.get(from.id) === to.id) return 'critical';
    return isFinished(from) ? 'finished' : 'open';
  };
  const drawn = dense ? tiles(waves, direct, kindOf) : cards(waves, direct, kindOf);
  return { ...drawn, dense };
}

type Waves = ReturnType<typeof depthGroups>;
type Direct = ReadonlyMap<ReportStream, readonly ReportStream[]>;
type KindOf = (from: ReportStream, to: ReportStream) => LineKind;

/** A line from dependency to dependent, through its places in the waves between. */
type Chain = { readonly kind: LineKind; readonly first: number; readonly through: readonly Node[] };

const nodeFor = (stream: ReportStream | null, size: number): Node => ({
  stream,
  size,
  from: [],
  to: [],
  at: 0,
});

/** Each wave a column of nodes; a line that passes a wave is given a place in it. */
function columnsOf(waves: Waves, direct: Direct, kindOf: KindOf): { columns: Node[][]; chains: Chain[] } {
  const columns = waves.map(({ streams }) => streams.map((stream) => nodeFor(stream, CARD.height)));
  const placeOf = new Map(
    columns.flatMap((column, wave) => column.map((node) => [node.stream, { node, wave }] as const)),
  );
  const pairs = [...direct].flatMap(([to, on]) => on.map((from) => ({ from, to })));
  const chains = pairs.flatMap(({ from, to }) => {
    const [start, end] = [placeOf.get(from), placeOf.get(to)];
    if (start === undefined || end === undefined) return [];
    const passing = columns.slice(start.wave + 1, end.wave).map((column) => {
      const node = nodeFor(null, CARD.passing);
      column.push(node);
      return node;
    });
    const through = [start.node, ...passing, end.node];
    connect(through);
    return [{ kind: kindOf(from, to), first: start.wave, through }];
  });
  return { columns, chains };
}

function connect(through: readonly Node[]): void {
  for (const [i, node] of through.entries()) {
    const before = through[i - 1];
    before?.to.push(node);
    if (before !== undefined) node.from.push(before);
  }
}

/** Side by side, each wave a column. */
function cards(waves: Waves, direct: Direct, kindOf: KindOf): Omit<Drawing, 'dense'> {
  const { columns, chains } = columnsOf(waves, direct, kindOf);
  arrange(columns);
  const lowest = columns.flat().reduce((most, { at, size }) => Math.max(most, at + size / 2), 0);
  const pitch = WIDTH / waves.length;
  const margin = (pitch * (1 - CARD.share)) / 2;
  const lines = new Map<LineKind, string>();
  for (const { kind, first, through } of chains)
    lines.set(kind, (lines.get(kind) ?? '') + acrossPath(through, first * pitch, pitch, margin));
  return {
    height: Math.ceil(lowest + 4),
    waves: waves.map(({ depth }, wave) => ({ depth, x: wave * pitch + margin, y: 14 })),
    boxes: columns.flatMap((column, wave) =>
      column.flatMap(({ stream, at, size }) => {
        const box = { x: wave * pitch + margin, y: Math.round(at - size / 2), width: pitch - 2 * margin };
        return stream === null ? [] : [{ stream, ...box, height: size }];
      }),
    ),
    lines,
    untold: 0,
  };
}

/** From the right edge of the first node to the left edge of the last; straight where it passes a wave between. */
function acrossPath(through: readonly Node[], start: number, pitch: number, margin: number): string {
  let path = '';
  for (const [i, node] of through.entries()) {
    const left = start + i * pitch + margin;
    const y = Math.round(node.at);
    const before = through[i - 1];
    if (before !== undefined) {
      const from = left - 2 * margin;
      const middle = round(from + margin);
      path += `C${middle} ${Math.round(before.at)} ${middle} ${y} ${round(left)} ${y}`;
    }
    const right = round(left + pitch - 2 * margin);
    if (i === 0) path += `M${right} ${y}`;
    else if (i < through.length - 1) path += `H${right}`;
  }
  return path;
}

const round = (x: number): number => Math.round(x * 10) / 10;
const mean = (nodes: readonly Node[]): number | null =>
  nodes.length === 0 ? null : nodes.reduce((sum, { at }) => sum + at, 0) / nodes.length;

/** One below the other, in the middle. */
function stack(column: readonly Node[]): void {
  const height = column.reduce((sum, { size }) => sum + size + CARD.gap, -CARD.gap);
  let top = -height / 2;
  for (const node of column) {
    node.at = top + node.size / 2;
    top += node.size + CARD.gap;
  }
}

/** Orders each column by where its neighbours are, then moves every node as near to them as the others let it. */
function arrange(columns: Node[][]): void {
  const back = [...columns].reverse();
  columns.forEach(stack);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forth = sweep % 2 === 0;
    for (const column of forth ? columns : back) {
      const wish = new Map(column.map((node) => [node, mean(forth ? node.from : node.to) ?? node.at]));
      column.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0));
      stack(column);
    }
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) (sweep % 2 === 0 ? columns : back).forEach(settle);
  const nodes = columns.flat();
  const top = nodes.reduce((least, { at, size }) => Math.min(least, at - size / 2), Number.POSITIVE_INFINITY);
  for (const node of nodes) node.at += HEADING - top;
}

/** The places nearest to where the nodes of a column would like to be (by least squares) that keep its order and its gaps. */
function settle(column: readonly Node[]): void {
  let offset = 0;
  const offsets = column.map((node, i) => {
    const before = column[i - 1];
    if (before !== undefined) offset += (before.size + node.size) / 2 + CARD.gap;
    return offset;
  });
  const wishes = column.map((node, i) => (mean([...node.from, ...node.to]) ?? node.at) - (offsets[i] ?? 0));
  for (const [i, place] of rising(wishes).entries()) {
    const node = column[i];
    if (node !== undefined) node.at = place + (offsets[i] ?? 0);
  }
}

/** The numbers that never fall and are nearest to these: neighbours that would cross share their mean. */
function rising(numbers: readonly number[]): number[] {
  const blocks: { readonly sum: number; readonly count: number }[] = [];
  for (const number of numbers) {
    let block = { sum: number, count: 1 };
    for (let former = blocks.at(-1); former !== undefined; former = blocks.at(-1)) {
      if (former.sum / former.count <= block.sum / block.count) break;
      block = { sum: former.sum + block.sum, count: former.count + block.count };
      blocks.pop();
    }
    blocks.push(block);
  }
  return blocks.flatMap(({ sum, count }) => Array.from({ length: count }, () => sum / count));
}

/** Below one another, each wave as many rows of tiles as it takes. */
function tiles(waves: Waves, direct: Direct, kindOf: KindOf): Omit<Drawing, 'dense'> {
  const pitch = WIDTH / TILE.perRow;
  const width = pitch * TILE.share;
  const boxes: Drawing['boxes'][number][] = [];
  const headings: Drawing['waves'][number][] = [];
  let top = 0;
  for (const { depth, streams } of waves) {
    headings.push({ depth, x: 0, y: top + 14 });
    top += HEADING - 4;
    for (const [i, stream] of streams.entries()) {
      const y = top + Math.floor(i / TILE.perRow) * (TILE.height + TILE.gap);
      boxes.push({ stream, x: (i % TILE.perRow) * pitch, y, width, height: TILE.height });
    }
    top += Math.ceil(streams.length / TILE.perRow) * (TILE.height + TILE.gap) + TILE.between;
  }
  const boxOf = new Map(boxes.map((box) => [box.stream, box]));
  const pairs = [...direct].flatMap(([stream, on]) => on.map((from) => [from, stream] as const));
  const lines = new Map<LineKind, string>();
  for (const [from, to] of pairs.length > MOST_LINES ? [] : pairs) {
    const [a, b] = [boxOf.get(from), boxOf.get(to)];
    if (a === undefined || b === undefined) continue;
    const [x1, y1, x2] = [round(a.x + width / 2), a.y + TILE.height, round(b.x + width / 2)];
    const middle = Math.round((y1 + b.y) / 2);
    const path = `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${b.y}`;
    lines.set(kindOf(from, to), (lines.get(kindOf(from, to)) ?? '') + path);
  }
  const untold = pairs.length > MOST_LINES ? pairs.length : 0;
  return { height: top - TILE.between, waves: headings, boxes, lines, untold };
}
