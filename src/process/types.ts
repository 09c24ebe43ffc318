/** The door to the operating system's processes: identity, marks, whole-tree ending, and commands with log and timeout. */
import type { ProcessIdentity } from '../core/types.ts';
import type { RunRequest, RunResult } from './run.ts';
import type { TerminalRequest, TerminalResult } from './run-at-terminal.ts';

/** Every process we start carries this variable; its value says whose it is, so that strays are found after any death. */
export const MARK_VARIABLE = 'ORCHESTRATE_MARK';

export type CommandResult = {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
};

/** A living process that carries a mark of ours. */
export type MarkedProcess = { readonly identity: ProcessIdentity; readonly mark: string };

export type Processes = {
  bootId(): string;
  /** Null when no such process (or a zombie). */
  identify(pid: number): ProcessIdentity | null;
  /** True for the very same process, not a zombie, not a later one with its pid. */
  isAlive(identity: ProcessIdentity): boolean;
  /** Who started it, who started that one, and so on, but for the first process of all. */
  ancestors(pid: number): ProcessIdentity[];
  /** True for a process to which numbers stand for the processes that they stand for to us; to one in a container they do not. */
  numbersAsWe(pid: number): boolean;
  /** Where living processes are at work, by pid, as far as we may know: links in paths are resolved. */
  directories(): ReadonlyMap<number, string>;
  /** Living processes whose mark begins with `prefix`, with the whole mark. */
  findMarked(prefix: string): MarkedProcess[];
  /**
   * Ends the trees below `roots` and every process marked `mark` (its sessions and descendants too): `firstSignal` to the
   * roots, TERM to all, KILL after `graceMs`, until verified gone. Returns those that would not go.
   */
  endTree(request: {
    roots: readonly ProcessIdentity[];
    mark: string | null;
    graceMs: number;
    firstSignal?: NodeJS.Signals;
  }): Promise<ProcessIdentity[]>;
  /**
   * Runs `sh -c command` (the user's own configuration) in a process group of its own, output to `log` (0600, appended);
   * `input` on its stdin, else nothing; with `endLeftovers` what it left running ends with it. `abort` ends it too, and the
   * call then throws an AbortError: a command that was broken off has no result.
   */
  runShell(request: {
    command: string;
    cwd: string;
    env: Readonly<Record<string, string>>;
    input?: string;
    log: string;
    timeoutMs: number;
    mark: string;
    endLeftovers?: boolean;
    abort?: AbortSignal;
  }): Promise<CommandResult>;
  /** Runs a program to its end and reads what it prints, in bounds of time and size. */
  run(request: RunRequest): Promise<RunResult>;
  /** For a process that lives long: from now on it starts programs by small shells that stay, where that is the same. */
  keepStarters(): void;
  /** Runs a command of the user's own configuration in the foreground of their terminal. */
  runAtTerminal(request: TerminalRequest): Promise<TerminalResult>;
  /** The same in a popup of the tmux that `env` names; null where none was to be had. */
  runInPopup(
    request: Omit<TerminalRequest, 'input' | 'keep'> & { readonly keep: number },
  ): Promise<TerminalResult | null>;
};
