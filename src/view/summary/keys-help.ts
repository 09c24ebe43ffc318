/** The keys of the live summary in words, for its help page. */
import { pad, wrap } from '../text-width.ts';

const KEYS: readonly (readonly [keys: string, does: string])[] = [
  ['arrows  j k', 'move'],
  ['g G  Home End', 'first and last stream'],
  ['PgUp PgDn', 'a page up, a page down'],
  ['Enter', 'go to its pane (a click: to its row; again: its pane)'],
  ['Space  s', 'see what its agent shows, and answer it'],
  ['n', 'next stream that needs you'],
  ['l', 'log of the stream'],
  ['d', 'its changes against its base'],
  ['e', 'what its failed gate printed'],
  ['x', 'stop it: its work is kept, start takes it up again'],
  ['p', 'park it until it is retried'],
  ['r', 'retry: clear what holds it back'],
  ['R', 'the same with a new conversation'],
  ['v', 'verify: check its work again'],
  ['m', 'resolve: its agent merges what clashes'],
  ['M', 'merge: see what would land, then land it or not'],
  ['C', 'clean up: see what would be removed, then remove it or not'],
  ['w', 'agents beside the summary, on and off'],
  ['/', 'only streams whose id, name or state has the text'],
  ['?', 'these keys'],
  ['q', 'leave (the status window: by your tmux prefix, then d)'],
];

const WIDE = 60;

/** A line for each key, its words wrapped beside it; on a narrow screen below it. */
export function helpLines(columns: number): readonly string[] {
  const indent = columns < WIDE ? 4 : 17;
  return KEYS.flatMap(([keys, does]) => {
    const lead = `${columns < WIDE ? ' ' : '  '}${keys}`;
    const beside = lead.length < indent;
    const lines = wrap(does, columns - indent).map(
      (line, at) => `${pad(at === 0 && beside ? lead : '', indent)}${line}`,
    );
    return beside ? lines : [lead, ...lines];
  });
}
