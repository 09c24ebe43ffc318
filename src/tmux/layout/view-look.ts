/** How the windows and panes of our session are asked for as people see them, and how the answer is read. */
import type { ViewFacts, ViewPane } from '../types.ts';
import { optionIf } from '../words.ts';

/** Words of ours, as far as they can stand in a line of the answer; a program in a pane may set an option to anything. */
const WORDS = '[^|[:cntrl:]]+';

const SESSION = [
  'O',
  '#{==:#{@orchestrate_view},on}',
  optionIf('@orchestrate_next', '%[0-9]+'),
  optionIf('@orchestrate_summary', '%[0-9]+'),
  optionIf('@orchestrate_hidden', '[0-9]+'),
  optionIf('@orchestrate_request', '[a-z0-9 -]+'),
  optionIf('@orchestrate_needs', WORDS),
  optionIf('@orchestrate_totals', WORDS),
].join('|');

const paneFormat = (tag: string): string =>
  [
    'V',
    '#{pane_id}',
    '#{window_id}',
    '#{window_index}',
    '#{pane_index}',
    '#{window_width}x#{window_height}',
    '#{window_zoomed_flag}',
    '#{?window_active_clients,1,0}',
    '#{window_active}',
    '#{pane_active}',
    '#{?pane_in_mode,1,0}',
    `#{?#{==:#{@orchestrate_project},${tag}},${optionIf('@orchestrate_role', '[a-z]+')},}`,
    optionIf('@orchestrate_shown', '@[0-9]+'),
    optionIf('@orchestrate_place', '[0-9]+'),
    optionIf('@orchestrate_layout', '[0-9x ]+'),
    optionIf('@orchestrate_urgent', '1'),
    optionIf('@orchestrate_name', WORDS),
    optionIf('@orchestrate_label', WORDS),
  ].join('|');

/** The tmux commands that ask for all panes of our session, other people's too, and for what the view keeps in options. */
export function viewWords(tag: string): string[] {
  const ours = `#{==:#{@orchestrate_session},${tag}}`;
  return [
    ...['list-sessions', '-f', ours, '-F', SESSION, ';'],
    ...['list-panes', '-a', '-f', ours, '-F', paneFormat(tag)],
  ];
}

/** True for a line that `viewWords` made tmux print. */
export function isViewLine(line: string): boolean {
  return line.startsWith('V|') || line.startsWith('O|');
}

const SESSION_LINE =
  /^O\|(?<on>[01])\|(?<next>%\d+|)\|(?<summary>%\d+|)\|(?<hidden>\d*)\|(?<request>[a-z0-9 -]*)\|(?<needs>[^|]*)\|(?<totals>[^|]*)$/;

const PANE_LINE =
  /^V\|(?<id>%\d+)\|(?<window>@\d+)\|(?<index>\d+)\|(?<position>\d+)\|(?<columns>\d+)x(?<rows>\d+)\|(?<zoomed>[01]?)\|(?<watched>[01])\|(?<current>[01])\|(?<active>[01])\|(?<mode>[01])\|(?<role>[a-z]*)\|(?<shown>@\d+|)\|(?<place>\d*)\|(?<layout>[0-9x ]*)\|(?<urgent>1?)\|(?<name>[^|]*)\|(?<label>[^|]*)$/;

/** Reads the lines of `viewWords`; null when there is no session of ours or a line isn't understood. */
export function parseView(lines: readonly string[]): ViewFacts | null {
  const session = SESSION_LINE.exec(lines.find((line) => line.startsWith('O|')) ?? '')?.groups;
  if (session === undefined) return null;
  const panes: ViewPane[] = [];
  for (const line of lines.filter((each) => each.startsWith('V|'))) {
    const field = PANE_LINE.exec(line)?.groups;
    if (field === undefined) return null;
    panes.push(paneOf(field));
  }
  const text = (name: string): string => session[name] ?? '';
  return {
    on: text('on') === '1',
    next: text('next'),
    summary: text('summary'),
    hidden: text('hidden'),
    request: text('request'),
    needs: text('needs'),
    totals: text('totals'),
    panes,
  };
}

function paneOf(field: Readonly<Record<string, string>>): ViewPane {
  const text = (name: string): string => field[name] ?? '';
  const flag = (name: string): boolean => field[name] === '1';
  return {
    id: text('id'),
    windowId: text('window'),
    windowIndex: Number(text('index')),
    position: Number(text('position')),
    columns: Number(text('columns')),
    rows: Number(text('rows')),
    zoomed: flag('zoomed'),
    watched: flag('watched'),
    current: flag('current'),
    active: flag('active'),
    inMode: flag('mode'),
    role: text('role'),
    shownIn: text('shown'),
    place: text('place') === '' ? null : Number(text('place')),
    layout: text('layout'),
    urgent: flag('urgent'),
    name: text('name'),
    label: text('label'),
  };
}
