/**
 * The first file that runs: picks the bundle that holds the command and runs it with V8's code cache, so that starting costs
 * little more than Node itself. Knows which bundles there are, nothing of what commands do.
 */
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';

/** File names of the bundles by first word of the command line, put in by the build; `main` holds every command. */
declare const BUNDLES: Readonly<Record<string, string>>;

/** Tells this build's bundles from those of the same names in another; empty where their names do. */
declare const EDITION: string;

/** What Node hands to a CommonJS module; a bundle is one. */
type Bundle = (
  exports: object,
  require: NodeJS.Require,
  module: { exports: object },
  file: string,
  directory: string,
) => void;

/** A bundle as V8 compiled it, and whether that came out of a cache. */
type Compiled = { readonly script: Script; readonly cached: boolean };

/**
 * Where code caches lie: beside the bundles, or below the user's own cache directory when the installation is not theirs to
 * write. Names hold the hash of the bundle (or the edition) and Node's version: V8 itself compares no more than a text's length.
 */
function cachePlaces(file: string): readonly string[] {
  const name = `${file}${EDITION}.${process.version}-${process.arch}`;
  const own = process.env['XDG_CACHE_HOME'] || join(process.env['HOME'] || homedir(), '.cache');
  return [join(__dirname, '.code-cache', name), join(own, 'orchestrate', name)];
}

/** The cache at `place`; null when there is none that only its owner, we, could have written. */
function readCache(place: string): Buffer | null {
  let descriptor: number;
  try {
    descriptor = openSync(place, 'r');
  } catch {
    return null; // Without a cache the bundle is compiled, which is only slower.
  }
  try {
    const { uid, mode } = fstatSync(descriptor);
    const isOurs = process.getuid === undefined || uid === process.getuid() || uid === 0;
    return isOurs && (mode & 0o022) === 0 ? readFileSync(descriptor) : null;
  } finally {
    closeSync(descriptor);
  }
}

function compile(file: string, source: string): Compiled {
  for (const place of cachePlaces(file)) {
    const cachedData = readCache(place);
    if (cachedData === null) continue;
    const script = new Script(source, { filename: join(__dirname, file), cachedData });
    return { script, cached: script.cachedDataRejected !== true };
  }
  return { script: new Script(source, { filename: join(__dirname, file) }), cached: false };
}

/** Keeps the compiled code for the next start, in the first place that can be written; false when none can. */
function writeCache(file: string, script: Script): boolean {
  return cachePlaces(file).some((place) => {
    const temporary = `${place}.${process.pid}`;
    try {
      mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
      writeFileSync(temporary, script.createCachedData(), { mode: 0o600, flag: 'wx' });
      renameSync(temporary, place);
      return true;
    } catch {
      return false; // A read-only installation, a full disk: the next start compiles again.
    }
  });
}

function run(): void {
  const asked = process.argv[2] ?? '';
  // Whatever was typed: every object inherits names, such as `constructor`.
  const file = BUNDLES[Object.hasOwn(BUNDLES, asked) ? asked : 'main'] ?? '';
  const path = join(__dirname, file);
  // All of it is ASCII, which is read the faster when said.
  const source = readFileSync(path, 'latin1');
  const { script, cached } = compile(file, source);
  if (!cached) process.once('exit', () => writeCache(file, script));
  const module = { exports: {} };
  const bundle = script.runInThisContext() as Bundle;
  bundle(module.exports, createRequire(path), module, path, __dirname);
}

run();
