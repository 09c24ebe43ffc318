/** The keys of our session: a key table of our own that only our session uses, with the user's own root keys beside ours. */
import type { Client } from './client.ts';
import { command, onOurSession, type SessionHandle } from './words.ts';

/** Sessions that don't ask for this table never see it; those of all projects share it. */
const TABLE = 'orchestrate';

/** Wakes the summary, which looks and does what an option of the session asks for. */
const POKE = `run-shell -C "copy-mode -q -t '#{@orchestrate_summary}' ; send-keys -t '#{@orchestrate_summary}' C-l"`;

const goTo = (option: string, otherwise: string): string =>
  `if-shell -F '#{${option}}' { run-shell -C "select-window -t '#{${option}}' ; select-pane -t '#{${option}}'" } ` +
  `{ display-message '${otherwise}' }`;

const TO_SUMMARY = goTo('@orchestrate_summary', 'The summary has ended: orchestrate view');

/** A user who asks for the view wants to see it; one who ends it stays at the pane they are in. */
const TOGGLE = `if-shell -F '#{==:#{@orchestrate_view},on}' { set-option @orchestrate_view off } { set-option @orchestrate_view on ; ${TO_SUMMARY} } ; ${POKE}`;

/** The log of the pane's stream, a file of our own making, in a pager that runs nothing. */
const LOG = `run-shell -C "display-popup -E -w 90% -h 90% 'exec env LESSSECURE=1 less -R +G .claude/orchestrator/logs/#{@orchestrate_key}.log'"`;

const NO_STREAM = `display-message 'Go to the pane of a stream, or to the summary, first'`;

/** In a stream's pane the summary is asked to do `verb`; in the summary its own key does it for the stream at its cursor. */
function forStream(inPane: string, key: string): string {
  const inSummary = `run-shell -C "send-keys -t '#{@orchestrate_summary}' C-g ${key}"`;
  return (
    `if-shell -F '#{@orchestrate_key}' { ${inPane} } ` +
    `{ if-shell -F '#{==:#{@orchestrate_role},summary}' { ${inSummary} } { ${NO_STREAM} } }`
  );
}

const asked = (verb: string): string =>
  `run-shell -C "set-option @orchestrate_request '${verb} #{@orchestrate_key}'" ; ${POKE}`;
/** What is read or typed there is seen in the summary. */
const seen = (verb: string): string => `${asked(verb)} ; ${TO_SUMMARY}`;
/** What is asked of the whole plan is seen in the summary too, which shows what it would do first. */
const ofPlan = (verb: string): string =>
  `run-shell -C "set-option @orchestrate_request '${verb} all'" ; ${POKE} ; ${TO_SUMMARY}`;
const confirmed = (question: string, verb: string): string =>
  `confirm-before -p '${question} (y/n)' { ${asked(verb)} }`;

/** Label, key and command of each entry of the menu. */
const ENTRIES: readonly (readonly [string, string, string])[] = [
  ['Next waiting', 'n', goTo('@orchestrate_next', 'Nothing needs you')],
  ['#{?#{==:#{@orchestrate_view},on},One window per agent,Split view}', 'w', TOGGLE],
  ['Summary', 's', TO_SUMMARY],
  ['Answer its agent', 'a', forStream(seen('send'), 'Space')],
  ['Log', 'l', forStream(LOG, 'l')],
  ['Diff', 'd', forStream(seen('diff'), 'd')],
  ['Verify', 'v', forStream(asked('verify'), 'v')],
  [
    'Retry',
    'r',
    forStream(
      confirmed('Retry #{@orchestrate_key}? An agent that waits is ended and starts again.', 'retry'),
      'r',
    ),
  ],
  ['Stop', 'x', forStream(confirmed('Stop #{@orchestrate_key}? Its work is kept.', 'stop'), 'x')],
  ['Park', 'p', forStream(confirmed('Park #{@orchestrate_key}? Its work is kept.', 'park'), 'p')],
  ['Merge', 'M', ofPlan('merge')],
  ['Clean up', 'C', ofPlan('clean')],
  ['Help', '?', ofPlan('help')],
];

const MENU = `display-menu -T ' orchestrate ' -x C -y C ${ENTRIES.map(
  ([label, key, action]) => `"${label}" ${key} { ${action} }`,
).join(' ')}`;

/**
 * Copies the root table into ours, adds `F9`, and lets our session use it. False, and nothing is changed for the session,
 * when this tmux doesn't take its own list of keys back.
 */
export async function bindKeys(client: Client, root: string, handle: SessionHandle): Promise<boolean> {
  const listed = await client.run(['list-keys', '-T', 'root']);
  const theirs = listed.status === 'ok' ? listed.text : '';
  const copy = theirs
    .split('\n')
    .filter((line) => line.startsWith('bind-key'))
    .map((line) => line.replace(/ -T root /, ` -T ${TABLE} `));
  const file = [...copy, `bind-key -T ${TABLE} F9 ${MENU}`, ''].join('\n');
  const made = await client.feed(['source-file', '-'], file);
  if (made.status !== 'ok') return false;
  const use = command('set-option', '-t', `${handle.sessionId}:`, 'key-table', TABLE);
  return (await client.run(onOurSession(root, handle, [use]))).status === 'ok';
}
