/** `clean`: takes away worktrees, branches and windows of what has landed and holds nothing else, and names what it keeps. */
import type { Ports } from '../app/ports.ts';
import { withPorts } from '../app/wiring.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { streamsNamed } from '../core/short-names.ts';
import type { StreamRecord } from '../core/types.ts';
import { type Cleaned, type CleanReport, clean, type Kept } from '../operator/clean.ts';
import { findStream } from '../operator/find-stream.ts';
import { remainsOf } from '../operator/remains.ts';
import { refuseSteering } from '../operator/run-scope.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';

export async function run(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: false }, async (ports) => {
    const dryRun = flags['dry-run'] === true;
    if (!dryRun) refuseSteering(io.env, ports.paths.root, 'clean');
    const named = args.map((text) => recordNamed(ports, text));
    const report = await clean(ports, named, dryRun);
    const left = named.length === 0 ? await remainsOf(ports, { forget: !dryRun }) : [];
    show(report, left, io);
    return named.length === 0 ? EXIT.ok : answerTo(report, io);
  });
}

function show(report: CleanReport, left: readonly string[], io: Io): void {
  for (const why of report.warnings) io.warn(`orchestrate: warning: ${why}`);
  if (io.json) io.print(JSON.stringify({ schemaVersion: 1, ...report, left }));
  else for (const line of [...linesOf(report), ...left]) io.print(line);
}

/** What was asked for by name and kept is a refusal. */
function answerTo({ kept }: CleanReport, io: Io): number {
  const [first] = kept;
  if (first === undefined) return EXIT.ok;
  if (io.json) return EXIT.refused;
  const more = kept.length > 1 ? `, and ${kept.length - 1} more were kept` : '';
  const [reason] = first.reasons;
  throw new OrchestrateError(
    EXIT.refused,
    `${first.stream} was kept: ${reason?.what ?? 'it holds something'}${more}`,
    reason?.look ?? 'orchestrate clean --dry-run',
  );
}

/** A stream of the plan, or one of an earlier plan, or one that no plan has any more. */
function recordNamed(ports: Ports, text: string): StreamRecord {
  const records = [...ports.state.allRecords().readable.values()];
  const exact = records.filter(({ streamId, key }) => streamId === text || key === text);
  const [only] = exact;
  if (only !== undefined && exact.length === 1) return only;
  const inPlan = ports.plan.readPlan().streams.map(({ id, name }) => ({ id, name, key: null }));
  if (exact.length > 1 || streamsNamed(text, inPlan).length > 0) return findStream(ports, text);
  const named = streamsNamed(
    text,
    records.map(({ streamId, key }) => ({ id: key, name: streamId, key })),
  );
  const found = named.length === 1 ? records.find(({ key }) => key === named[0]) : undefined;
  return found ?? findStream(ports, text);
}

function linesOf(report: CleanReport): string[] {
  const { removed, kept, nothing, dryRun } = report;
  const lines = [
    ...removed.map((each) => removedLine(each, dryRun)),
    ...kept.flatMap((each) => keptLines(each, dryRun)),
    ...nothing.map((stream) => `Nothing is left of ${printable(stream)}`),
  ];
  if (lines.length === 0) return ['Nothing to clean'];
  return removed.length === 0 || dryRun
    ? lines
    : [...lines, 'Its commits are kept: orchestrate recover brings a removed stream back'];
}

function removedLine({ stream, worktree, branch }: Cleaned, dryRun: boolean): string {
  const what = [
    ...(worktree === null ? [] : [`worktree ${printable(worktree)}`]),
    ...(branch === null ? [] : [`branch ${branch}`]),
  ];
  return `${dryRun ? 'Would remove' : 'Removed'} ${printable(stream)}: ${what.join(', ')}`;
}

function keptLines({ stream, reasons }: Kept, dryRun: boolean): string[] {
  const [first, ...more] = reasons;
  return [
    `${dryRun ? 'Would keep' : 'Kept'} ${printable(stream)}: ${first?.what ?? ''}`,
    ...(first === undefined ? [] : [`  ${first.look}`]),
    ...more.flatMap(({ what, look }) => [`  and ${what}`, `  ${look}`]),
  ];
}
