/** Reads what a run's hooks reported: the latest of each kind of event, believed only with the run's own token. */
import path from 'node:path';
import { fieldsOf, numberOf, parseObject, stringOf } from '../../core/json-fields.ts';
import { printable } from '../../core/printable.ts';
import { readPartIfPresent, statIfPresent } from '../../files/present.ts';
import type { TokenCheck } from '../port.ts';
import { toolCallOf } from './conversation.ts';
import { COST_REPORT, GATE_REPORT, REPORTED_EVENTS, type ReportedEvent } from './report-script.ts';
import type { ReportedCost } from './usage.ts';

/** One report. What a field means depends on the event; null where it does not carry it. */
export type Report = {
  readonly event: ReportedEvent;
  readonly atMs: number;
  readonly sessionId: string | null;
  /** Tool and target of a tool call or of a permission request, e.g. `Bash npm test`. */
  readonly call: string | null;
  /** The first question, for a request that asks one. */
  readonly question: string | null;
  /** Set when it comes from a subagent. */
  readonly subagent: string | null;
  /** What still runs in the background, at a Stop. */
  readonly background: readonly string[];
  /** A Stop that follows a refused one in the same turn. */
  readonly again: boolean;
  /** Why a turn failed (StopFailure), in Claude Code's word for it. */
  readonly error: string | null;
  /** The last thing said, at the end of a turn. */
  readonly said: string | null;
  /** How a session came to start: `startup`, `resume`, `clear`, `compact`. */
  readonly source: string | null;
  /** Why a session ended (SessionEnd), in Claude Code's word for it. */
  readonly endReason: string | null;
};

export type Reports = {
  /** The latest report of each kind from this run, oldest first; none when there are none. */
  of(key: string, run: number): readonly Report[];
  /** What the conversation of this run cost so far, as its status line was last told; null when it never was. */
  cost(key: string, run: number): ReportedCost | null;
  /** Why the last stop of this run could not be judged, in one line; null when it was, or none was wanted yet. */
  gateTrouble(key: string, run: number): string | null;
};

const LONGEST_TROUBLE = 200;
/** A report can carry a whole file; what is looked at stands near its beginning or is not needed. */
const LONGEST_REPORT = 1024 * 1024;

/** Reads reports from the spool directory; a file is read again only when it changed. */
export function createReports(spool: string, isTokenOf: TokenCheck): Reports {
  const seen = new Map<string, { readonly stamp: string; readonly report: Report | null }>();
  const read = (file: string, event: ReportedEvent, key: string, run: number): Report | null => {
    const stat = statIfPresent(file);
    if (stat === null) {
      seen.delete(file);
      return null;
    }
    const stamp = `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
    const last = seen.get(file);
    if (last?.stamp === stamp) return last.report;
    const report = parseReport(readPartIfPresent(file, 0, LONGEST_REPORT), event, stat.mtimeMs, (token) =>
      isTokenOf(token, key, run),
    );
    seen.set(file, { stamp, report });
    return report;
  };
  return {
    of: (key, run) =>
      REPORTED_EVENTS.flatMap((event) => {
        const report = read(path.join(spool, `${key}-${run}.${event}.json`), event, key, run);
        return report === null ? [] : [report];
      }).sort((a, b) => a.atMs - b.atMs),
    cost: (key, run) => {
      const file = path.join(spool, `${key}-${run}.${COST_REPORT}.json`);
      const stat = statIfPresent(file);
      if (stat === null) return null;
      return parseCost(readPartIfPresent(file, 0, LONGEST_REPORT), stat.mtimeMs, (token) =>
        isTokenOf(token, key, run),
      );
    },
    gateTrouble: (key, run) => {
      const [token = '', status = '', said = ''] =
        readPartIfPresent(path.join(spool, `${key}-${run}.${GATE_REPORT}.json`), 0, LONGEST_REPORT)?.split(
          '\n',
        ) ?? [];
      if (token === '' || !isTokenOf(token, key, run)) return null;
      return printable(`exit ${status}${said === '' ? '' : `: ${said}`}`, LONGEST_TROUBLE);
    },
  };
}

/** What a status line was told of costs; null without the right token or without a number. */
export function parseCost(
  text: string | null,
  atMs: number,
  isOurs: (token: string) => boolean,
): ReportedCost | null {
  const end = text?.indexOf('\n') ?? -1;
  if (text === null || end < 0 || !isOurs(text.slice(0, end))) return null;
  const fields = parseObject(text.slice(end + 1));
  const sessionId = stringOf(fields?.['session_id']);
  const usd = numberOf(fieldsOf(fields?.['cost'])['total_cost_usd']);
  return sessionId === null || usd === null ? null : { sessionId, usd, atMs };
}

/** A report as its file tells; null for one without the right token. A text that is no JSON (cut off) still says that it happened. */
export function parseReport(
  text: string | null,
  event: ReportedEvent,
  atMs: number,
  isOurs: (token: string) => boolean,
): Report | null {
  if (text === null) return null;
  const end = text.indexOf('\n');
  if (end < 0 || !isOurs(text.slice(0, end))) return null;
  const fields = parseObject(text.slice(end + 1)) ?? {};
  const tool = stringOf(fields['tool_name']);
  const tasks = fields['background_tasks'];
  return {
    event,
    atMs,
    sessionId: stringOf(fields['session_id']),
    call: tool === null ? null : callText(tool, fields['tool_input']),
    question: questionOf(tool, fields['tool_input']),
    subagent: stringOf(fields['agent_type']) ?? stringOf(fields['agent_id']),
    background: Array.isArray(tasks) ? tasks.filter(isUnderWay).map(backgroundText) : [],
    again: fields['stop_hook_active'] === true,
    error: stringOf(fields['error']),
    said: stringOf(fields['last_assistant_message']),
    source: stringOf(fields['source']),
    endReason: stringOf(fields['reason']),
  };
}

function callText(name: string, input: unknown): string {
  const { tool, target } = toolCallOf(name, input);
  return `${tool} ${target}`.trim();
}

function questionOf(tool: string | null, input: unknown): string | null {
  if (tool !== 'AskUserQuestion') return null;
  const questions = fieldsOf(input)['questions'];
  const [first] = Array.isArray(questions) ? questions : [];
  return stringOf(fieldsOf(first)['question']) ?? 'a question';
}

function isUnderWay(task: unknown): boolean {
  const status = stringOf(fieldsOf(task)['status']);
  return status === null || status === 'running' || status === 'pending';
}

function backgroundText(task: unknown): string {
  const { type, description } = fieldsOf(task);
  const what = stringOf(description);
  return `${stringOf(type) ?? 'task'}${what === null ? '' : ` (${what.slice(0, 80)})`}`;
}
