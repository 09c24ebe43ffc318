/** The script that Claude Code's hooks call: it puts what the agent reports into the spool directory, whole or not at all, and never fails the agent. */

/** Name of the report that the Stop hook could not ask whether it may stop. */
export const GATE_REPORT = 'Gate';

/**
 * POSIX sh, run as `/bin/sh "$ORCHESTRATE_REPORT" <event>` with the report on its standard input. Notes:
 * - everything it uses comes from the launch's environment, so nothing is ever pasted into shell text;
 * - one file for each run and kind of event holds the latest report: nothing piles up while nobody reads;
 * - the first line is the run's token, by which the reader knows the report for this run's own;
 * - what cannot be written is lost without a word: an agent never stops because orchestrate went away;
 * - the Stop event goes on to the command that may refuse it, whether or not the report could be written; one that could not
 *   be run at all is told to the poller, so that the gate is never off unseen (4: the store is busy, 5: the run has ended).
 */
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: these are the shell's
export const REPORT_SCRIPT = [
  '# Made by orchestrate. Keeps the latest report of each kind of event where the poller looks for it.',
  'umask 077',
  'name=$ORCHESTRATE_KEY-$ORCHESTRATE_RUN.$1.json',
  'if cd "$ORCHESTRATE_SPOOL" 2>/dev/null; then',
  '  { printf "%s\\n" "$ORCHESTRATE_TOKEN" && cat; } 2>/dev/null > "./.$name.$$" &&',
  '    mv -f "./.$name.$$" "./$name" 2>/dev/null || rm -f "./.$name.$$" 2>/dev/null',
  'fi',
  '[ "$1" = Stop ] || exit 0',
  'command=$ORCHESTRATE_PROJECT/.claude/orchestrator/orchestrate',
  '[ -x "$command" ] || command=orchestrate',
  'cd "$ORCHESTRATE_PROJECT" 2>/dev/null || exit 0',
  '{ said=$("$command" hook stop 2>&1 >&3); status=$?; } 3>&1',
  'cd "$ORCHESTRATE_SPOOL" 2>/dev/null || exit 0',
  `name=$ORCHESTRATE_KEY-$ORCHESTRATE_RUN.${GATE_REPORT}.json`,
  'case $status in',
  '0 | 4 | 5) rm -f "./$name" ;;',
  '*) { printf "%s\\n%s\\n%s\\n" "$ORCHESTRATE_TOKEN" "$status" "$said" > "./.$name.$$" &&',
  '     mv -f "./.$name.$$" "./$name"; } 2>/dev/null ;;',
  'esac',
  'exit 0',
  '',
].join('\n');
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: these are the shell's

/** What is asked to be reported. Tool calls are reported as they begin; their ends are in the transcript. */
export const REPORTED_EVENTS = [
  'SessionStart',
  'UserPromptSubmit',
  'PreToolUse',
  'PermissionRequest',
  'Notification',
  'Stop',
  'StopFailure',
  'SubagentStop',
  'PreCompact',
  'SessionEnd',
] as const;
/** Name of the report that is no event: what the status line was told, costs among it. */
export const COST_REPORT = 'Status';
export type ReportedEvent = (typeof REPORTED_EVENTS)[number];

/** Seconds after which Claude Code gives up on a hook. The Stop hook asks git and the store. */
const TIMEOUT_SECONDS = 5;
const STOP_TIMEOUT_SECONDS = 20;

/** The `hooks` section of a run's settings. A script that is gone (`orchestrate` was removed) is no error to the agent. */
export function reportingHooks(): Readonly<Record<string, readonly unknown[]>> {
  return Object.fromEntries(
    REPORTED_EVENTS.map((event) => {
      const command = `[ -r "$ORCHESTRATE_REPORT" ] && /bin/sh "$ORCHESTRATE_REPORT" ${event}; exit 0`;
      const timeout = event === 'Stop' ? STOP_TIMEOUT_SECONDS : TIMEOUT_SECONDS;
      return [event, [{ hooks: [{ type: 'command', command, timeout }] }]];
    }),
  );
}

/** The status line of a run whose costs are capped: it shows nothing and keeps what it is told. */
export function reportingStatusLine(): Readonly<Record<string, string>> {
  const command = `[ -r "$ORCHESTRATE_REPORT" ] && /bin/sh "$ORCHESTRATE_REPORT" ${COST_REPORT}; exit 0`;
  return { type: 'command', command };
}
