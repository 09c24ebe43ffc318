/** A `git` and a `tmux` in front of the real ones that count the calls of a poller and kill it at a chosen one. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** When the poller dies: before the tool has done anything, after it has, or before while the tool does it all the same. */
export type Moment = 'before' | 'after' | 'orphaned';

export type Shim = Disposable & {
  /** To be put in front of PATH. */
  readonly directory: string;
  /** kill -9 of the poller at its `call`-th call of `tool` whose arguments hold `words`. */
  arm(tool: 'git' | 'tmux', call: number, moment: Moment, words?: string): void;
  disarm(): void;
  /** True once the armed kill happened. */
  fired(): boolean;
  /** Calls of the poller so far, one line each. */
  calls(tool: 'git' | 'tmux'): string[];
};

/*
 * Sets `caller` to who called, also where that had one of its shells do it, and `line` to its command line: `read` leaves the zero
 * bytes between the words out.
 */
const CALLER = `caller=$PPID
IFS= read -r line 2>/dev/null < /proc/$caller/cmdline
case $line in *orchestrate-starter*)
  read -r pid comm state caller rest < /proc/$PPID/stat
  IFS= read -r line 2>/dev/null < /proc/$caller/cmdline ;;
esac`;

/*
 * Only what the given commands of orchestrate call counts: workers call git too. As few processes as possible, since every call
 * goes through it.
 */
const SCRIPT = `#!/bin/sh
real=$1; shift
${CALLER}
case $line in
COMMANDS) ;;
*) exec "$real" "$@" ;;
esac
dir=\${0%/*}; tool=\${0##*/}; line=$*
while :; do
  case $line in
  *"$LF"*) line="\${line%%"$LF"*} \${line#*"$LF"}" ;;
  *) break ;;
  esac
done
printf '%s\\n' "$line" >> "$dir/$tool.calls"
at=; serial=; moment=; words=
[ -e "$dir/$tool.kill" ] && read -r at serial moment words < "$dir/$tool.kill"
case "$*" in *"$words"*) ;; *) at= ;; esac
[ -n "$at" ] || exec "$real" "$@"
count=$(grep -cF -e "$words" "$dir/$tool.calls")
fire() { [ "$count" -ge "$at" ] && [ "$moment" = "$1" ] && mkdir "$dir/fired-$serial" 2>/dev/null && kill -9 $caller; }
fire before && exit 1
fire orphaned && sleep 0.3
"$real" "$@"
code=$?
fire after
exit $code
`;

/** Makes the shim for the calls of these commands of orchestrate, in a directory that goes with it. */
export function createShim(commands: readonly string[] = ['start', 'merge']): Shim {
  const directory = mkdtempSync(join(tmpdir(), 'orchestrate-shim-'));
  for (const tool of ['git', 'tmux']) {
    const real = execFileSync('/bin/sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();
    const callers = commands.map((command) => `*'cli.js${command}'*`).join('|');
    const script = SCRIPT.replace('real=$1; shift', `real='${real}'; LF='\n'`).replace('COMMANDS', callers);
    writeFileSync(join(directory, tool), script);
    chmodSync(join(directory, tool), 0o755);
  }
  // Calls of a dead poller may still be under way: they must not count for the next kill.
  let serial = 0;
  const disarm = (): void => {
    for (const tool of ['git', 'tmux']) rmSync(join(directory, `${tool}.kill`), { force: true });
  };
  return {
    directory,
    arm(tool, call, moment, words = '') {
      disarm();
      for (const each of ['git', 'tmux']) rmSync(join(directory, `${each}.calls`), { force: true });
      serial += 1;
      writeFileSync(join(directory, `${tool}.kill`), `${call} ${serial} ${moment} ${words}\n`);
    },
    disarm,
    fired: () => existsSync(join(directory, `fired-${serial}`)),
    calls(tool) {
      const file = join(directory, `${tool}.calls`);
      return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export type CallCounter = Disposable & {
  /** To be put in front of PATH. */
  readonly directory: string;
  /** Calls so far by process `pid`, or by anyone. */
  calls(tool: 'git' | 'tmux', pid?: number): number;
};

/** A `git` and a `tmux` in front of the real ones that note who called. */
export function createCallCounter(): CallCounter {
  const directory = mkdtempSync(join(tmpdir(), 'orchestrate-count-'));
  for (const tool of ['git', 'tmux']) {
    const real = execFileSync('/bin/sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();
    const script = `#!/bin/sh\n${CALLER}\nprintf '%s\\n' "$caller" >> '${directory}/${tool}.calls'\nexec '${real}' "$@"\n`;
    writeFileSync(join(directory, tool), script, { mode: 0o755 });
  }
  return {
    directory,
    calls(tool, pid) {
      const file = join(directory, `${tool}.calls`);
      const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
      return pid === undefined ? lines.length : lines.filter((line) => line === String(pid)).length;
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** A tool in front of the real one whose calls that fit this pattern of the shell begin late, or are answered late. */
export function createSlowTool(
  tool: 'git' | 'tmux',
  pattern: string,
  late: 'begun' | 'answered',
): Disposable & { readonly directory: string } {
  const directory = mkdtempSync(join(tmpdir(), 'orchestrate-slow-'));
  const real = execFileSync('/bin/sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();
  const wait = `case "$*" in *${pattern}*) sleep 2 ;; esac`;
  const call = `'${real}' "$@"\ncode=$?`;
  const steps = late === 'begun' ? [wait, call] : [call, wait];
  writeFileSync(join(directory, tool), ['#!/bin/sh', ...steps, 'exit $code', ''].join('\n'), { mode: 0o755 });
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}
