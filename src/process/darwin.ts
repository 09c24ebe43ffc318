/** Reads processes through `ps` (macOS, which has no /proc); environments only as far as `ps` shows them. */
import type { ProcessIdentity } from '../core/types.ts';
import type { ProcessRow, ProcessTable } from './process-table.ts';
import { runSync } from './run.ts';
import { MARK_VARIABLE } from './types.ts';

/** How long a system command may take: they look at every process there is. */
const ANSWER_MS = 30_000;

/** Runs a system command and returns what it printed; throws with `status` when it exits otherwise than 0. */
export type Ask = (file: string, args: readonly string[]) => string;

/** In the C locale (dates in English) and in UTC: a start time must read the same after a journey. */
function askSystem(file: string, args: readonly string[]): string {
  const env = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC0' };
  const { exitCode, stdout } = runSync({ file, args, cwd: '/', env, timeLimitMs: ANSWER_MS });
  const said = stdout.toString('utf8');
  if (exitCode === 0) return said;
  throw Object.assign(new Error(`${file} ended with ${exitCode}`), { status: exitCode, stdout: said });
}

/** The rows of one process; none when `ps` says by its exit that there is no such process. Any other failure is no answer. */
function rowsOf(ask: Ask, pid: number): ProcessRow[] {
  try {
    return parsePs(ask('/bin/ps', ['-p', String(pid), ...COLUMNS]));
  } catch (thrown) {
    if ((thrown as { status?: unknown }).status === 1) return [];
    throw thrown;
  }
}

const COLUMNS = ['-o', 'pid=,ppid=,pgid=,stat=,lstart='];

/** Rows of `ps -o pid=,ppid=,pgid=,stat=,lstart=`; lines of another form and zombies are left out. */
export function parsePs(text: string): ProcessRow[] {
  return text.split('\n').flatMap((line) => {
    const fields = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+([A-Z]\S*)\s+(\S.*?)\s*$/.exec(line);
    if (fields === null || fields[4]?.startsWith('Z') === true) return [];
    const [, pid, ppid, group, , start = ''] = fields;
    return [
      { pid: Number(pid), ppid: Number(ppid), group: Number(group), start: start.replace(/\s+/g, ' ') },
    ];
  });
}

/** Marks in the output of `ps -E -o pid=,command=`, where variables follow the command; a mark holds no space. */
export function parseMarks(text: string): Map<number, string> {
  const marks = new Map<number, string>();
  for (const line of text.split('\n')) {
    const found = new RegExp(`^\\s*(\\d+)\\s.*\\s${MARK_VARIABLE}=(\\S+)`).exec(line);
    if (found !== null) marks.set(Number(found[1]), found[2] ?? '');
  }
  return marks;
}

/** `lsof` exits 1 when it may not look at some of the processes, having told of the others. */
function askLsof(ask: Ask): string {
  try {
    return ask('/usr/sbin/lsof', ['-w', '-n', '-d', 'cwd', '-F', 'pn']);
  } catch (thrown) {
    const { status, stdout } = thrown as { status?: unknown; stdout?: unknown };
    if (status === 1 && typeof stdout === 'string' && stdout !== '') return stdout;
    throw thrown;
  }
}

/** Working directories in the output of `lsof -d cwd -F pn`: a line `p<pid>`, then among others a line `n<path>`. */
export function parseDirectories(text: string): Map<number, string> {
  const found = new Map<number, string>();
  let pid = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith('p')) pid = Number(line.slice(1));
    if (line.startsWith('n') && pid > 0) found.set(pid, line.slice(1));
  }
  return found;
}

/**
 * The processes as the system's own commands tell of them; `ask` runs one. Each takes as long as a look at all processes, so
 * those that are asked for in one turn of the event loop are looked up in one listing. One that it lacks is asked for by itself:
 * it may have been started since.
 */
export function createDarwinTable(ask: Ask = askSystem): ProcessTable {
  let bootId: string | null = null;
  let listed: ReadonlyMap<number, ProcessRow> | null = null;
  const rows = (): ProcessRow[] => parsePs(ask('/bin/ps', ['-ax', ...COLUMNS]));
  const listing = (): ReadonlyMap<number, ProcessRow> => {
    if (listed !== null) return listed;
    listed = new Map(rows().map((row) => [row.pid, row]));
    setImmediate(() => {
      listed = null;
    });
    return listed;
  };
  return {
    bootId() {
      // Not kern.boottime: that moves whenever the clock is set. It stays as long as this process can live.
      bootId ??= ask('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid']).trim();
      return bootId;
    },
    identify(pid: number): ProcessIdentity | null {
      const found = pid > 0 ? (listing().get(pid) ?? rowsOf(ask, pid)[0]) : undefined;
      return found === undefined ? null : { pid: found.pid, start: found.start };
    },
    rows,
    marks(pids) {
      const wanted = pids === undefined ? null : new Set(pids);
      const all = parseMarks(ask('/bin/ps', ['-axww', '-E', '-o', 'pid=,command=']));
      return new Map([...all].filter(([pid]) => wanted === null || wanted.has(pid)));
    },
    numbersAsWe: () => true,
    directories: () => parseDirectories(askLsof(ask)),
  };
}
