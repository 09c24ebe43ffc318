/** The door to processes on this platform. */
import { createDarwinTable } from './darwin.ts';
import { ancestors, endTree } from './end-tree.ts';
import { linuxTable } from './linux.ts';
import type { ProcessTable } from './process-table.ts';
import { run } from './run.ts';
import { runAtTerminal, runInPopup } from './run-at-terminal.ts';
import { runShell } from './run-shell.ts';
import { keepStarters } from './starters.ts';
import type { Processes } from './types.ts';

/** The processes of this machine: /proc on Linux, `ps` elsewhere. */
export function createProcesses(
  table: ProcessTable = process.platform === 'linux' ? linuxTable : createDarwinTable(),
): Processes {
  return {
    bootId: () => table.bootId(),
    identify: (pid) => table.identify(pid),
    isAlive: (identity) => table.identify(identity.pid)?.start === identity.start,
    ancestors(pid) {
      const byPid = new Map(table.rows().map((row) => [row.pid, row]));
      return [...ancestors(byPid, pid)].flatMap((each) => {
        const row = byPid.get(each);
        return row === undefined || each <= 1 || each === pid ? [] : [{ pid: each, start: row.start }];
      });
    },
    numbersAsWe: (pid) => table.numbersAsWe(pid),
    directories: () => table.directories(),
    findMarked(prefix) {
      const marked = [...table.marks()].filter(([, mark]) => mark.startsWith(prefix));
      const found = marked.flatMap(([pid]) => table.identify(pid) ?? []);
      if (found.length === 0) return [];
      // Once more, now that their starts are known: a number may have gone to another process in between.
      const marks = table.marks(found.map(({ pid }) => pid));
      return found.flatMap((identity) => {
        const mark = marks.get(identity.pid);
        return mark?.startsWith(prefix) === true ? [{ identity, mark }] : [];
      });
    },
    endTree: (request) => endTree(table, request),
    runShell: (request) => runShell(table, request),
    run,
    keepStarters,
    runAtTerminal,
    runInPopup,
  };
}
