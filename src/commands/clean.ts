/** `clean`: takes away worktrees, branches and windows of what has landed and holds nothing else, and names what it keeps. */
import { withPorts } from '../app/wiring.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { type Cleaned, type CleanReport, clean, type Kept } from '../operator/clean.ts';
import { findAnyStream } from '../operator/find-stream.ts';
import { remainsOf } from '../operator/remains.ts';
import { refuseSteering } from '../operator/run-scope.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';

export async function run(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: false }, async (ports) => {
    const dryRun = flags['dry-run'] === true;
    if (!dryRun) refuseSteering(io.env, ports.paths.root, 'clean');
    const named = args.map((text) => findAnyStream(ports, text));
    const { report, trouble } = await clean(ports, named, dryRun);
    const left = named.length === 0 ? await remainsOf(ports, { forget: !dryRun }) : [];
    show(report, left, io);
    if (trouble !== null && !io.json) throw trouble;
    if (trouble !== null) return trouble.exitCode;
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
    : [...lines, 'All that was removed is saved: orchestrate recover brings a stream back'];
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
