/** The wrapper a pane runs: it claims its run exactly once, then becomes the worker. Knows neither tmux nor the plan. */
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseProcStat } from '../core/proc-stat.ts';
import { ifPresent } from '../files/present.ts';
import { replaceFile } from '../files/replace-file.ts';
import { type LaunchFile, launchFiles } from './launch-file.ts';

/**
 * POSIX sh, run as `sh ./wrapper`. Notes on its lines, in order:
 * - the first pass drops the environment of the tmux server, which is that of whoever started it once;
 * - `set -C` makes `>` create the claim with O_EXCL; the redirection sits on a group, since a failed one on a special
 *   builtin would end the shell without a word;
 * - the launch file is emptied before it is removed, in case its PATH holds no `rm`;
 * - after it was read nothing of ours may be set: every name could be one of the worker's.
 */
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: these are the shell's
export const WRAPPER_SCRIPT = [
  '# Made by orchestrate. Claims this run, then becomes its worker; exits 75 when another one has it.',
  'if [ "$1" != clean ]; then',
  '  exec /usr/bin/env -i ${TERM+"TERM=$TERM"} ${TMUX+"TMUX=$TMUX"} ${TMUX_PANE+"TMUX_PANE=$TMUX_PANE"} \\',
  '    ${TERM_PROGRAM+"TERM_PROGRAM=$TERM_PROGRAM"} \\',
  '    ${TERM_PROGRAM_VERSION+"TERM_PROGRAM_VERSION=$TERM_PROGRAM_VERSION"} /bin/sh "$0" clean',
  'fi',
  'say() { printf "orchestrate: error: %s\\n" "$1" >&2; }',
  'cd "${0%/*}" || exit 75',
  'umask 077',
  'set -C',
  'stat=',
  '{ IFS= read -r stat < "/proc/$$/stat"; } 2>/dev/null',
  'if ! { { printf "%s\\n%s\\n" "$$" "$stat"; } > ./claim; } 2>/dev/null; then',
  '  if [ -e ./claim ]; then say "this run is taken by another worker"; else say "cannot write $PWD/claim"; fi',
  '  exit 75',
  'fi',
  'if ! [ -f ./launch ]; then say "the launch file is gone: $PWD/launch"; exit 1; fi',
  'set --',
  'ORCHESTRATE_KIND=',
  'while IFS= read -r ORCHESTRATE_LINE; do',
  '  case $ORCHESTRATE_LINE in +*)',
  '    ORCHESTRATE_TEXT="$ORCHESTRATE_TEXT',
  '${ORCHESTRATE_LINE#+}"',
  '    continue ;;',
  '  esac',
  '  case $ORCHESTRATE_KIND in',
  '  U) umask "$ORCHESTRATE_TEXT" ;;',
  '  D) ORCHESTRATE_CWD=$ORCHESTRATE_TEXT ;;',
  '  E) export "$ORCHESTRATE_TEXT" ;;',
  '  A) set -- "$@" "$ORCHESTRATE_TEXT" ;;',
  '  F) ORCHESTRATE_TEXT=$(/bin/cat "./$ORCHESTRATE_TEXT" && echo .)',
  '     set -- "$@" "${ORCHESTRATE_TEXT%.}" ;;',
  '  esac',
  '  ORCHESTRATE_TEXT=${ORCHESTRATE_LINE#?}',
  '  ORCHESTRATE_KIND=${ORCHESTRATE_LINE%"$ORCHESTRATE_TEXT"}',
  'done < ./launch',
  '{ :; } >| ./launch',
  '/bin/rm -f ./launch ./argument-*',
  'if ! cd "$ORCHESTRATE_CWD"; then say "cannot enter the worktree: $ORCHESTRATE_CWD"; exit 1; fi',
  'unset ORCHESTRATE_KIND ORCHESTRATE_LINE ORCHESTRATE_TEXT ORCHESTRATE_CWD',
  'case $1 in',
  '*/*)',
  '  if ! [ -e "$1" ]; then say "command not found: $1"; exit 127; fi',
  '  if ! [ -f "$1" ] || ! [ -x "$1" ]; then say "not an executable file: $1"; exit 126; fi ;;',
  '*) if ! command -v "$1" >/dev/null 2>&1; then say "command not found: $1"; exit 127; fi ;;',
  'esac',
  'exec "$@"',
  '',
].join('\n');
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: these are the shell's

/** First line of a claim that the poller took to keep wrappers out. */
const FENCE = 'fence';

/**
 * Who holds a run. `pid` is 0 when the winner died between taking the claim and writing it; `start` is as Processes
 * tells it, null where there is no /proc.
 */
export type Claim = { readonly pid: number; readonly start: string | null; readonly atMs: number };

/** Longest time that a claim just taken stays without its text. */
const CLAIM_WRITE_MS = 20;

/**
 * Puts `wrapper` and `launch` (0600) into `runDir`, which is made (0700) when missing. Safe to repeat until the run is
 * claimed. Throws a TypeError for what a process can't be given, and file system errors.
 */
export function writeLaunch(runDir: string, launch: LaunchFile): void {
  const files = launchFiles(launch, process.umask());
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) replaceFile(join(runDir, name), text, 0o600);
  replaceFile(join(runDir, 'wrapper'), WRAPPER_SCRIPT, 0o600);
}

/** Text and time of the claim file, null when there is none. */
function claimFile(runDir: string): { text: string; atMs: number } | null {
  const path = join(runDir, 'claim');
  return ifPresent(() => ({ text: readFileSync(path, 'utf8'), atMs: statSync(path).mtimeMs }));
}

/** The claim file once its text is there: a shell makes the file first and fills it microseconds later. */
function settledClaimFile(runDir: string): { text: string; atMs: number } | null {
  for (let waitedMs = 0; ; waitedMs += 1) {
    const file = claimFile(runDir);
    if (file === null || file.text.endsWith('\n') || waitedMs >= CLAIM_WRITE_MS) return file;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

/** The worker that claimed the run; null when none did, or when the poller fenced the run. */
export function readClaim(runDir: string): Claim | null {
  const file = settledClaimFile(runDir);
  if (file === null) return null;
  const [pidLine = '', statLine = ''] = file.text.split('\n');
  if (pidLine === FENCE) return null;
  const pid = /^\d+$/.test(pidLine) ? Number(pidLine) : 0;
  return { pid, start: parseProcStat(statLine)?.start ?? null, atMs: file.atMs };
}

/**
 * Takes the claim of a run so that no wrapper can win it any more, and drops its launch file. True when the run is
 * fenced (now or before), false when a worker holds it.
 */
export function fenceRun(runDir: string): boolean {
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  const path = join(runDir, 'claim');
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${FENCE}\n`, { mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    return settledClaimFile(runDir)?.text.startsWith(`${FENCE}\n`) === true;
  } finally {
    rmSync(draft, { force: true });
  }
  rmSync(join(runDir, 'launch'), { force: true });
  return true;
}
