/** What a pane runs: a wrapper that claims its run exactly once, then becomes the worker; over it, a keeper that outlives it by a moment. Knows neither tmux nor the plan. */
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blockFor } from '../core/block.ts';
import { parseProcStat } from '../core/proc-stat.ts';
import { ifPresent } from '../files/present.ts';
import { replaceFile } from '../files/replace-file.ts';
import { type LaunchFile, launchFiles } from './launch-file.ts';

/** First pass of a script: drops the environment of the tmux server, which is that of whoever started it once. */
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: these are the shell's
const CLEAN_FIRST = [
  'if [ "$1" != clean ]; then',
  '  exec /usr/bin/env -i ${TERM+"TERM=$TERM"} ${TMUX+"TMUX=$TMUX"} ${TMUX_PANE+"TMUX_PANE=$TMUX_PANE"} \\',
  '    ${TERM_PROGRAM+"TERM_PROGRAM=$TERM_PROGRAM"} \\',
  '    ${TERM_PROGRAM_VERSION+"TERM_PROGRAM_VERSION=$TERM_PROGRAM_VERSION"} /bin/sh "$0" clean',
  'fi',
];
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: these are the shell's

/**
 * POSIX sh, run in a worker's pane as `sh ./keeper`: runs the wrapper as its child and exits with the status of what that
 * became, 128+n for a signal. tmux closes a pane's terminal as soon as its process has ended, without the output that the
 * system has not handed over yet; so that process must not be the one that writes. Notes on its lines, in order:
 * - with job control the worker leads a process group of its own in the foreground, as it would as the pane's process;
 * - a shell tells of killed jobs on its stderr (so it is the subshell whose output is put back); bash needs its own to hand
 *   over the terminal;
 * - signals are caught, not ignored, since a child would inherit that; not HUP: the end of this process, which leads the
 *   session, is what tells the worker that its window was closed;
 * - a worker that stops goes on, as tmux sees to with a process of its own;
 * - with the terminal closed by all its writers, tmux reads to the end and closes it too, which is told by HUP; where a
 *   process in the background keeps it open, two seconds must do: a busy server takes some tenths of one to read all.
 */
const KEEPER_SCRIPT = [
  '# Made by orchestrate. Runs the wrapper and stays until all that was written to the terminal has been read.',
  ...CLEAN_FIRST,
  'stat=',
  '{ IFS= read -r stat < "/proc/$$/stat"; } 2>/dev/null',
  'exec 3>&2',
  'set -m 2>/dev/null',
  '[ -n "$BASH_VERSION" ] || exec 2>/dev/null',
  'trap : INT QUIT TERM',
  '(exec /bin/sh ./wrapper clean "$$" "$stat" 2>&3 3>&-)',
  'status=$?',
  'while jobs %%; do fg; status=$?; done >/dev/null 2>&1',
  `trap 'kill "$!"; exit "$status"' HUP`,
  'set +m',
  'exec </dev/null >/dev/null 2>&1 3>&-',
  '/bin/sleep 2 &',
  'wait "$!"',
  'exit "$status"',
  '',
].join('\n');

/**
 * POSIX sh, run as `sh ./wrapper`, or by the keeper, which gives its own pid and stat line. Notes on its lines, in order:
 * - `set -C` makes `>` create the claim with O_EXCL; the redirection sits on a group, since a failed one on a special
 *   builtin would end the shell without a word;
 * - the launch file is emptied before it is removed, in case its PATH holds no `rm`;
 * - after it was read nothing of ours may be set: every name could be one of the worker's.
 */
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: these are the shell's
export const WRAPPER_SCRIPT = [
  '# Made by orchestrate. Claims this run, then becomes its worker; exits 75 when another one has it.',
  ...CLEAN_FIRST,
  'say() { printf "orchestrate: error: %s\\n" "$1" >&2; }',
  'cd "${0%/*}" || exit 75',
  'umask 077',
  'set -C',
  'stat=',
  '{ IFS= read -r stat < "/proc/$$/stat"; } 2>/dev/null',
  'if ! { { printf "%s\\n%s\\n%s\\n%s\\n" "$$" "$stat" "$2" "$3"; } > ./claim; } 2>/dev/null; then',
  '  if [ -e ./claim ]; then say "this run is taken by another agent"; else say "cannot write $PWD/claim"; fi',
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

/** A process as it told of itself: `start` is as Processes tells it, null where there is no /proc. */
export type ClaimedProcess = { readonly pid: number; readonly start: string | null };

/**
 * Who holds a run. `pid` is 0 while the winner has not written it yet, and when it died before. `keeper` is the process of
 * its pane; null when the wrapper is that itself.
 */
export type Claim = ClaimedProcess & { readonly atMs: number; readonly keeper: ClaimedProcess | null };

/** Longest time that a claim just taken stays without its text. */
const CLAIM_WRITE_MS = 20;

/**
 * Puts `keeper`, `wrapper` and `launch` (0600) into `runDir`, which is made (0700) when missing. Safe to repeat until the
 * run is claimed. Throws a TypeError for what a process cannot be given, and file system errors.
 */
export function writeLaunch(runDir: string, launch: LaunchFile): void {
  const files = launchFiles(launch, process.umask());
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) replaceFile(join(runDir, name), text, 0o600);
  // The keeper comes last of the two.
  if (!existsSync(join(runDir, 'keeper'))) writeScripts(runDir);
}

/** Puts `wrapper` and `keeper` there ahead of the launch, so that less is to be done then. */
export function writeScripts(runDir: string): void {
  replaceFile(join(runDir, 'wrapper'), WRAPPER_SCRIPT, 0o600);
  replaceFile(join(runDir, 'keeper'), KEEPER_SCRIPT, 0o600);
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
    blockFor(1);
  }
}

/** The worker that claimed the run; null when none did, or when the poller fenced the run. */
export function readClaim(runDir: string): Claim | null {
  const file = settledClaimFile(runDir);
  if (file === null) return null;
  const [pidLine = '', statLine = '', keeperPid = '', keeperStat = ''] = file.text.split('\n');
  if (pidLine === FENCE) return null;
  const worker = claimedProcess(pidLine, statLine) ?? { pid: 0, start: null };
  return { ...worker, atMs: file.atMs, keeper: claimedProcess(keeperPid, keeperStat) };
}

function claimedProcess(pid: string, stat: string): ClaimedProcess | null {
  return /^\d+$/.test(pid) ? { pid: Number(pid), start: parseProcStat(stat)?.start ?? null } : null;
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
