/**
 * Runs every test: in several processes at a time, of which each takes many files, on a file system in memory where there is one. Arguments name folders
 * of `test/` to run alone.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { removeTree } from '../test/support/remove-tree.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** More than processors: a scene waits now and then. */
const AT_A_TIME = 4;

/**
 * How many processes a folder of `test/` is run by, the longest first, so that none is left alone at the end. Loading the sources
 * takes longer than many a file's tests; a scene with Claude Code is longer than that, and has one of its own.
 */
const PROCESSES: Readonly<Record<string, number>> = {
  claude: Number.POSITIVE_INFINITY,
  poller: 6,
  cli: 6,
  adapters: 5,
  pure: 1,
};

/** Tests need less; what they leave in memory when they are killed must hurt nobody. */
const ROOM_BYTES = 2 ** 31;

/** Where tests make their repositories: in memory, if programs can be run there, for they wait for the disk again and again. */
function scratchPlace(): string {
  const memory = '/dev/shm';
  try {
    const { bavail, bsize } = statfsSync(memory);
    if (bavail * bsize < ROOM_BYTES) return tmpdir();
    const place = mkdtempSync(join(memory, 'o-'));
    const program = join(place, 'program');
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o700 });
    const { status } = spawnSync(program);
    rmSync(place, { recursive: true });
    return status === 0 ? memory : tmpdir();
  } catch {
    return tmpdir(); // No such place, or none for us: the disk serves as well.
  }
}

function filesIn(folder: string): string[] {
  return readdirSync(join(root, 'test', folder)).filter((name) => name.endsWith('.test.ts'));
}

/** Writes a file for each process, which Node runs in the order of their names; returns their paths. */
function writeParts(directory: string, folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder, place) => {
    const most = PROCESSES[folder] ?? 1;
    const files = filesIn(folder);
    const count = Math.min(most, files.length);
    return Array.from({ length: count }, (_, part) => {
      const taken = files.sort().filter((_name, index) => index % count === part);
      const lines = taken.map((name) => {
        const { href } = pathToFileURL(join(root, 'test', folder, name));
        return `await import(${JSON.stringify(href)});\n`;
      });
      const only = count === files.length ? taken[0]?.replace('.test.ts', '') : part + 1;
      const path = join(directory, `${place + 1}-${folder}-${only}.mjs`);
      writeFileSync(path, lines.join(''));
      return path;
    });
  });
}

/** Runs the parts; resolves to the exit code. */
function run(parts: readonly string[], scratch: string): Promise<number> {
  const how = [`--test-concurrency=${AT_A_TIME}`, '--test-reporter=./scripts/test-reporter.js'];
  const child = spawn(process.execPath, ['--import', 'tsx', '--test', ...how, ...parts], {
    cwd: root,
    env: { ...process.env, TMPDIR: scratch },
    stdio: 'inherit',
  });
  // Ctrl-C reaches the tests as well, other signals do not: they end, and then we clean up.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** The folders that hold tests, in the order of the table; one that it does not name comes last, in one process. */
function foldersOfTests(): readonly string[] {
  const known = Object.keys(PROCESSES);
  const others = readdirSync(join(root, 'test'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !known.includes(entry.name) && filesIn(entry.name).length > 0)
    .map(({ name }) => name);
  return [...known, ...others];
}

const asked = process.argv.slice(2);
const all = foldersOfTests();
const unknown = asked.find((folder) => !all.includes(folder));
// With no file at all Node would run whatever it took for a test.
if (unknown !== undefined) {
  console.error(`"${unknown}" is no folder of test/: ${all.join(', ')}`);
  process.exit(2);
}
const folders = all.filter((folder) => asked.length === 0 || asked.includes(folder));
const scratch = mkdtempSync(join(scratchPlace(), 'o-'));
try {
  const parts = join(scratch, 'parts');
  mkdirSync(parts);
  process.exitCode = await run(writeParts(parts, folders), scratch);
} finally {
  removeTree(scratch);
}
