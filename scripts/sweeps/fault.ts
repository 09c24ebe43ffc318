/** Builds the library of `fault.c`, and makes the environment in which one call of a command on a file fails or is its last. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readIfPresent } from '../../src/files/present.ts';

const SOURCE = fileURLToPath(new URL('fault.c', import.meta.url));

/** Kinds of calls that can be harmed. */
export type CallKind = 'look' | 'read' | 'open' | 'write' | 'sync' | 'make' | 'remove';

export type FaultSpec = {
  /** Words of the command line of those whose calls count; a space: of any program. */
  readonly program: string;
  readonly calls: readonly CallKind[];
  /** Only paths below this directory. */
  readonly under: string;
  /** Only paths that hold this. */
  readonly name?: string;
  /** The number of the call; 0: none is harmed, they are noted. */
  readonly at: number;
  /** kill -9 before or after it; an error at it, or from it on. */
  readonly what: 'before' | 'after' | `once:${number}` | `from:${number}`;
};

export type Fault = Disposable & {
  readonly env: Readonly<Record<string, string>>;
  /** The path of each call that counts, below `under`, in order, of a fault that only counts (`at` is 0). */
  calls(): readonly string[];
  /** True once it happened. */
  fired(): boolean;
  /** From now on nothing fails any more. */
  end(): void;
};

/** Why nothing can be injected into calls of the system here; null when it can. */
export function faultObstacle(): string | null {
  if (process.platform !== 'linux') return 'needs Linux';
  return spawnSync('cc', ['--version'], { stdio: 'ignore' }).status === 0 ? null : 'needs a C compiler (cc)';
}

let library: string | null = null;

function builtLibrary(): string {
  if (library !== null) return library;
  const directory = mkdtempSync(join(tmpdir(), 'orchestrate-fault-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  library = join(directory, 'fault.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE, '-ldl']);
  return library;
}

/** Makes one fault, to be given to one command by its environment. */
export function createFault(spec: FaultSpec): Fault {
  const directory = mkdtempSync(join(tmpdir(), 'orchestrate-fault-'));
  return {
    env: {
      LD_PRELOAD: builtLibrary(),
      FAULT_PROGRAM: spec.program,
      FAULT_CALLS: spec.calls.join(' '),
      FAULT_UNDER: spec.under,
      FAULT_NAME: spec.name ?? '',
      FAULT_AT: String(spec.at),
      FAULT_DO: spec.what,
      FAULT_DIR: directory,
    },
    calls: () =>
      (readIfPresent(join(directory, 'calls')) ?? '')
        .split('\n')
        .filter(Boolean)
        .map((path) => path.slice(spec.under.length)),
    fired: () => existsSync(join(directory, 'fired')),
    end: () => writeFileSync(join(directory, 'over'), ''),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** A wall clock of commands that can be set while they run. */
export type Clock = {
  readonly env: Readonly<Record<string, string>>;
  /** From now on it is wrong by so many seconds. */
  set(seconds: number): void;
};

/** Makes the clock in the file at `path`, right so far. */
export function createClock(path: string): Clock {
  const bytesOf = (seconds: number) => new Uint8Array(new BigInt64Array([BigInt(seconds)]).buffer);
  writeFileSync(path, bytesOf(0));
  return {
    env: {
      LD_PRELOAD: builtLibrary(),
      FAULT_PROGRAM: 'cli.js',
      FAULT_CLOCK: path,
      FAULT_DIR: '/nonexistent',
    },
    // In place: whoever goes by it has the file mapped.
    set: (seconds) => writeFileSync(path, bytesOf(seconds), { flag: 'r+' }),
  };
}
