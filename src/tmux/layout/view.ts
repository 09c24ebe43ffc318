/** Carries out what the view asks for in one call of tmux: panes moved, borders and status line set; decides nothing. */

import { type Client, tmuxError } from '../client.ts';
import { checkPane, projectTag } from '../names.ts';
import { windowCommands } from '../pane.ts';
import type { TmuxFacts, ViewFacts, ViewPane, ViewRequest } from '../types.ts';
import { allOf, command, onOurSession, type SessionHandle } from '../words.ts';
import { type Arrangement, arrange, type LayoutStep } from './arrange.ts';
import type { WindowPlace } from './window-indexes.ts';

/** Index, name and age in the pane's own options: values of options are not expanded. */
const BORDER = [
  '#{?pane_active,#[bold],}',
  '#{?@orchestrate_urgent,#[fg=yellow]#[bold],}',
  '#{?#{==:#{@orchestrate_role},summary}, summary#{?@orchestrate_hidden, · #{@orchestrate_hidden} more in their own windows,} ,',
  '#{?#{==:#{@orchestrate_role},worker}, #{@orchestrate_key}#{?@orchestrate_name, · #{@orchestrate_name},}  #{@orchestrate_label} , #{pane_index} }}',
  '#[default]',
].join('');

const STATUS_RIGHT = [
  '#{?@orchestrate_needs,#[fg=colour0]#[bg=colour11] #{@orchestrate_needs} #[default],}',
  '#{?#{e|<:#{client_width},100},, #{@orchestrate_totals}} ',
  '#{?#{==:#{key-table},orchestrate},· F9 menu ,}',
].join('');
/** On a narrow terminal the windows' names need the room more than the session's. */
const STATUS_LEFT = '#{?#{e|<:#{client_width},100},,[#{session_name}] }';

/** Fixed words and numbers only: what could mean something to tmux is refused. */
function fixedText(text: string): string {
  if (/[#'|;{}\\\n]/.test(text)) throw new TypeError(`not a fixed text: ${JSON.stringify(text)}`);
  return text;
}

const sessionOption = (handle: SessionHandle, name: string, value: string): string =>
  command('set-option', '-t', `${handle.sessionId}:`, name, fixedText(value));

/** Runs `commands` on our session if it still is that one; nothing for none. Throws exit 3 when tmux refuses. */
async function onSession(
  client: Client,
  root: string,
  handle: SessionHandle,
  commands: readonly string[],
): Promise<void> {
  if (commands.length === 0) return;
  const reply = await client.run(onOurSession(root, handle, commands));
  // A pane that ended meanwhile ends the chain: the next look sees what is left to do.
  const gone =
    reply.status === 'failed' &&
    /can't find (?:pane|window)|no such pane|index in use|no space/.test(reply.why);
  if (reply.status !== 'ok' && !gone) throw tmuxError('arrange the view', reply);
}

/** Writes down that the view is wanted, or not. */
export function setView(client: Client, root: string, handle: SessionHandle, on: boolean): Promise<void> {
  return onSession(client, root, handle, [sessionOption(handle, '@orchestrate_view', on ? 'on' : 'off')]);
}

/** Forgets what was asked for by a key. */
export function clearRequest(client: Client, root: string, handle: SessionHandle): Promise<void> {
  return onSession(client, root, handle, [sessionOption(handle, '@orchestrate_request', '')]);
}

/** Makes our session look as `request` and its own setting ask; see `Tmux.arrangeView`. */
export async function arrangeView(
  client: Client,
  root: string,
  handle: SessionHandle,
  facts: TmuxFacts,
  request: ViewRequest,
): Promise<{ shown: number; hidden: number }> {
  const { view } = facts;
  if (view === undefined) return { shown: 0, hidden: request.workers.length };
  const arrangement = arrange(view, request.workers, request.limits);
  const commands = [
    ...(view.totals === '' ? settings(handle) : []),
    ...arrangement.steps.flatMap((step) => stepCommands(root, handle, step)),
    ...labelCommands(view, request, arrangement),
    ...sessionCommands(handle, view, request, arrangement),
  ];
  await onSession(client, root, handle, commands);
  const shown = request.workers.filter(({ pane }) => arrangement.shown.includes(pane)).length;
  return { shown, hidden: arrangement.hidden };
}

/** True for a pane that nobody types into or scrolls in at that very moment. */
const FREE = '#{?#{||:#{pane_in_mode},#{&&:#{pane_active},#{window_active_clients}}},,1}';

/** `commands` if the pane is ours and `conditions` hold: another process may have done the same since the look. */
function guarded(
  root: string,
  pane: string,
  conditions: readonly string[],
  commands: readonly string[],
): string {
  const condition = allOf([`#{==:#{@orchestrate_project},${projectTag(root)}}`, ...conditions]);
  return `${command('if-shell', '-F', '-t', checkPane(pane), condition)} { ${commands.join(' ; ')} }`;
}

const paneOption = (pane: string, name: string, value: string): string =>
  command('set-option', '-p', '-t', pane, name, value);

function stepCommands(root: string, handle: SessionHandle, step: LayoutStep): string[] {
  switch (step.kind) {
    case 'join':
      return [joinCommand(root, step)];
    case 'leave':
      return [leaveCommand(root, handle, step)];
    case 'swap':
      return [command('swap-pane', '-d', '-s', step.pane, '-t', step.with)];
    case 'forget':
      return [paneOption(step.pane, '@orchestrate_shown', '')];
    case 'plain':
      return ['pane-border-status', 'pane-border-format', '@orchestrate_layout'].map((name) =>
        command('set-option', '-w', '-u', '-t', step.window, name),
      );
    case 'layout':
      return layoutCommands(step);
  }
}

/** Even sizes first, so that there is room to split; programs hear of the last size only. */
function joinCommand(
  root: string,
  { pane, after, window, place }: Extract<LayoutStep, { kind: 'join' }>,
): string {
  const on = command('if-shell', '-F', '#{==:#{@orchestrate_view},on}');
  const own = [
    command('set-option', '-p', '-F', '-t', pane, '@orchestrate_window', '#{window_name}'),
    paneOption(pane, '@orchestrate_place', String(place)),
  ];
  const commands = [
    ...(place === null ? [] : own),
    command('select-layout', '-t', window, 'tiled'),
    command('join-pane', '-d', '-s', pane, '-t', after),
    // Only of one that came: where `after` has ended, it would pass for one that the user took out again.
    paneOption(pane, '@orchestrate_shown', window),
  ];
  return `${on} { ${guarded(root, pane, [FREE, `#{!=:#{window_id},${window}}`], commands)} }`;
}

function leaveCommand(
  root: string,
  handle: SessionHandle,
  { pane, at, follow, held }: Extract<LayoutStep, { kind: 'leave' }>,
): string {
  const commands = [
    breakCommand(handle, pane, at, follow ? [] : ['-d']),
    ...windowCommands(pane),
    command(
      'rename-window',
      '-t',
      pane,
      '#{?@orchestrate_window,#{@orchestrate_window},#{@orchestrate_key}}',
    ),
    paneOption(pane, '@orchestrate_shown', ''),
  ];
  return guarded(root, pane, ['#{!=:#{@orchestrate_shown},}', ...(held ? [FREE] : [])], commands);
}

/** Beside a window that may only be there since an earlier step, so that just the pane in it is known: tmux puts its id in. */
function breakCommand(
  { sessionId }: SessionHandle,
  pane: string,
  at: WindowPlace,
  how: readonly string[],
): string {
  const words = ['break-pane', ...how, '-s', pane];
  if ('index' in at) return command(...words, '-t', `${sessionId}:${at.index}`);
  const [side, neighbour] = 'before' in at ? ['-b', at.before] : ['-a', at.behind];
  const text = [...words, side, '-t', '#{window_id}'].join(' ');
  return command('run-shell', '-C', '-t', checkPane(neighbour), text);
}

function layoutCommands({ window, text, mark }: Extract<LayoutStep, { kind: 'layout' }>): string[] {
  const option = (name: string, value: string): string =>
    command('set-option', '-w', '-t', window, name, value);
  return [
    option('pane-border-status', 'top'),
    option('pane-border-format', BORDER),
    ...(text === null ? [] : [command('select-layout', '-t', window, text)]),
    option('@orchestrate_layout', mark),
  ];
}

/** Labels of the panes that the view shows, and the names of all, where they changed. */
function labelCommands(view: ViewFacts, { workers }: ViewRequest, { shown }: Arrangement): string[] {
  const before = new Map<string, ViewPane>(view.panes.map((pane) => [pane.id, pane]));
  return workers.flatMap(({ pane, urgent, label, name }) => {
    const now = before.get(pane);
    const named = now?.name === name ? [] : [paneOption(pane, '@orchestrate_name', fixedText(name))];
    if (!shown.includes(pane)) return named;
    return [
      ...named,
      ...(now?.label === label ? [] : [paneOption(pane, '@orchestrate_label', fixedText(label))]),
      ...(now?.urgent === urgent ? [] : [paneOption(pane, '@orchestrate_urgent', urgent ? '1' : '')]),
    ];
  });
}

/** What the status line says and the keys use, where it changed. */
function sessionCommands(
  handle: SessionHandle,
  view: ViewFacts,
  { workers, needs, totals }: ViewRequest,
  { hidden }: Arrangement,
): string[] {
  const wanted: readonly (readonly [string, string, string])[] = [
    ['@orchestrate_next', view.next, workers.find(({ urgent }) => urgent)?.pane ?? ''],
    ['@orchestrate_summary', view.summary, view.panes.find(({ role }) => role === 'summary')?.id ?? ''],
    ['@orchestrate_hidden', view.hidden, view.on && hidden > 0 ? String(hidden) : ''],
    ['@orchestrate_needs', view.needs, needs],
    ['@orchestrate_totals', view.totals, totals],
  ];
  const changed = wanted.filter(([, before, now]) => before !== now);
  return changed.map(([name, , now]) => sessionOption(handle, name, now));
}

/** Once, before anything moves: windows keep their indexes, so that they can come back to them; and the right end of the status line. */
function settings({ sessionId }: SessionHandle): string[] {
  const option = (name: string, value: string): string =>
    command('set-option', '-t', `${sessionId}:`, name, value);
  return [
    option('status-left-length', '40'),
    option('status-left', STATUS_LEFT),
    option('status-right-length', '100'),
    option('status-right', STATUS_RIGHT),
    option('renumber-windows', 'off'),
  ];
}
