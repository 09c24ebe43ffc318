/** Commands that a person may want to type next, ready to paste. */
import { shellWord } from '../../core/shell-word.ts';
import type { ReportStream } from '../../report/types.ts';

/** What the branches begin with, `orchestrate/`, taken from the first stream that has one. */
function branchPrefix(streams: readonly ReportStream[]): string {
  const named = streams.find(({ branch }) => branch !== null);
  return named?.branch?.endsWith(named.key) === true
    ? named.branch.slice(0, -named.key.length)
    : 'orchestrate/';
}

/** The command that shows the history of all streams' branches. */
export function reviewCommand(streams: readonly ReportStream[]): string {
  return `git log --graph --oneline --branches=${shellWord(`${branchPrefix(streams)}*`)}`;
}
