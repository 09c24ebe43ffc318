/** `recover`: what was saved, and how to get it back as a branch and a worktree; lets go of it only when asked to. */
import type { Ports } from '../app/ports.ts';
import { withPorts } from '../app/wiring.ts';
import { EXIT } from '../core/errors.ts';
import { plural, printable } from '../core/printable.ts';
import { commandFor } from '../core/shell-word.ts';
import type { SavedWork } from '../git/tidy/types.ts';
import { bringBack, expire, savedNamed } from '../operator/recover.ts';
import { remainsOf } from '../operator/remains.ts';
import { refuseSteering } from '../operator/run-scope.ts';
import { amount, moment } from '../view/amounts.ts';
import { pad, widthOf } from '../view/text-width.ts';
import { type Flags, numberFlag, usageError } from './definition.ts';
import type { Io } from './io.ts';

export async function run(args: readonly string[], flags: Flags, io: Io): Promise<number> {
  const days = numberFlag('recover', flags, 'expire', { min: 0, example: 30 });
  if (flags['expire'] !== undefined && days === undefined)
    throw usageError('--expire takes a number of days', 'orchestrate recover --expire 30');
  return withPorts(io, { create: false }, async (ports) => {
    if (days !== undefined) return letGo(ports, args[0], days, io);
    if (args[0] !== undefined) return recover(ports, args[0], io);
    const saved = await ports.git.savedWork();
    if (io.json) io.print(JSON.stringify({ schemaVersion: 1, saved: saved.map(shown) }));
    else for (const line of listOf(saved, ports.now())) io.print(line);
    return EXIT.ok;
  });
}

function shown({ ref, sha, key, stream, reason, atMs, files, bytes }: SavedWork) {
  return { ref, sha, key, stream, reason, at: new Date(atMs).toISOString(), files, bytes };
}

/** The name by which a saved ref is typed: what follows `refs/orchestrate/saved/`. */
function nameOf({ ref }: SavedWork): string {
  return ref.split('/').slice(3).join('/');
}

function listOf(saved: readonly SavedWork[], nowMs: number): string[] {
  const [first] = saved;
  if (first === undefined) return ['Nothing was saved'];
  const rows = saved.map((each): readonly string[] => [
    printable(each.stream, 40),
    moment(each.atMs, nowMs),
    sizeOf(each),
    nameOf(each),
    printable(each.reason, 60),
  ]);
  const lines = aligned([['Stream', 'Saved', 'Beside its commits', 'Name', 'Why'], ...rows]);
  return [...lines, '', `Bring one back: ${commandFor('recover', nameOf(first))}`];
}

/** Rows with their cells one below the other. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => widthOf(row[at] ?? ''))));
  return rows.map((row) =>
    row
      .map((cell, at) => pad(cell, widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function sizeOf({ files, bytes }: SavedWork): string {
  return files === 0 ? 'nothing' : `${plural(files, 'file')}, ${amount(bytes)}B`;
}

async function recover(ports: Ports, text: string, io: Io): Promise<number> {
  refuseSteering(io.env, ports.paths.root, 'recover');
  const saved = savedNamed(await ports.git.savedWork(), text);
  const { branch, worktree } = await bringBack(ports, saved);
  if (io.json) {
    io.print(JSON.stringify({ schemaVersion: 1, ...shown(saved), branch, worktree }));
    return EXIT.ok;
  }
  io.print(`Brought ${nameOf(saved)} back: branch ${branch}, worktree ${printable(worktree)}`);
  if (saved.files > 0) io.print('What was not committed is there as uncommitted changes.');
  io.print(`It stays saved: git log ${saved.ref}`);
  return EXIT.ok;
}

async function letGo(ports: Ports, text: string | undefined, days: number, io: Io): Promise<number> {
  refuseSteering(io.env, ports.paths.root, 'recover --expire');
  const gone = await expire(ports, text ?? null, days);
  const left = await remainsOf(ports, { forget: true });
  if (io.json) {
    io.print(JSON.stringify({ schemaVersion: 1, expired: gone.map(shown), left }));
    return EXIT.ok;
  }
  for (const each of gone) io.print(`Let go of ${nameOf(each)} (${each.sha})`);
  if (gone.length === 0) io.print(`Nothing was saved more than ${plural(days, 'day')} ago`);
  for (const line of left) io.print(line);
  return EXIT.ok;
}
