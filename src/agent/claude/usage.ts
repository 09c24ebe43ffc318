/** Adds up what a run used, from the conversations in its worktree: tokens message by message, dollars only as Claude Code itself wrote them down. */
import path from 'node:path';
import { fieldsOf, numberOf, parseObject, stringOf } from '../../core/json-fields.ts';
import type { Run, Usage } from '../../core/types.ts';
import { eachGrownLine, type ReadUpTo } from '../../files/grown-lines.ts';
import { conversationsBeside } from './transcript.ts';

/** What one answer of the model used. */
type Answer = { readonly atMs: number; readonly tokens: number; readonly cached: number };
/** A conversation's cost so far, over all its sessions; `atMs`: the last time seen before it. */
type Total = { readonly atMs: number; readonly usd: number };

/** What one transcript says. */
type Book = {
  readTo: ReadUpTo | null;
  readonly answers: Map<string, Answer>;
  readonly totals: Total[];
  lastAtMs: number;
};

/** A conversation's cost so far as its status line was told it. */
export type ReportedCost = { readonly sessionId: string; readonly usd: number; readonly atMs: number };

export type UsageMeter = {
  /** What the run used so far; null when there is nothing to read. `transcript`: that of its conversation. */
  of(
    run: Pick<Run, 'startedAtMs' | 'endedAtMs'>,
    transcript: string,
    cost: ReportedCost | null,
  ): Usage | null;
};

/**
 * Reads transcripts bit by bit as they grow. All that lie beside the run's own count: `/clear` begins another one there,
 * and no other stream works in this directory; a subagent's lie below. An answer is counted once however often it is
 * written (one line for each part of it, copies in a forked conversation), and for the run in whose time it came, so
 * that a resumed conversation is not counted again.
 */
export function createUsageMeter(): UsageMeter {
  const books = new Map<string, Book>();
  const bookOf = (file: string): Book => {
    const book = books.get(file) ?? { readTo: null, answers: new Map(), totals: [], lastAtMs: 0 };
    books.set(file, book);
    book.readTo = eachGrownLine(
      file,
      book.readTo,
      (line) => enter(book, line),
      () => {
        book.answers.clear();
        book.totals.length = 0;
      },
    );
    return book;
  };
  return {
    of: (run, transcript, cost) => {
      const read = transcriptsBeside(transcript).map((file) => ({ file, book: bookOf(file) }));
      const endMs = run.endedAtMs ?? Number.POSITIVE_INFINITY;
      const answers = answersBetween(
        read.map(({ book }) => book),
        run.startedAtMs,
        endMs,
      );
      const costUsd = costOf(read, run.startedAtMs, endMs, cost);
      if (answers.size === 0 && costUsd === null) return null;
      return { ...sumOf(answers), costUsd };
    },
  };
}

/** Answers that came in this time, each once. */
function answersBetween(books: readonly Book[], startMs: number, endMs: number): Map<string, Answer> {
  const all = books.flatMap(({ answers }) => [...answers]);
  return new Map(all.filter(([, { atMs }]) => atMs >= startMs && atMs <= endMs));
}

function sumOf(answers: ReadonlyMap<string, Answer>): { tokens: number; cachedTokens: number } {
  const sum = { tokens: 0, cachedTokens: 0 };
  for (const { tokens, cached } of answers.values()) {
    sum.tokens += tokens;
    sum.cachedTokens += cached;
  }
  return sum;
}

/** Takes from a line what it says of usage. The words are looked for first: most lines are long and say nothing. */
function enter(book: Book, line: string): void {
  if (line.includes('"type":"cost-state"')) enterTotal(book, line);
  if (!line.includes('"usage"') || !line.includes('"assistant"')) return;
  const entry = parseObject(line);
  const message = fieldsOf(entry?.['message']);
  const atMs = Date.parse(stringOf(entry?.['timestamp']) ?? '');
  const id = stringOf(message['id']);
  if (entry?.['type'] !== 'assistant' || id === null || Number.isNaN(atMs)) return;
  book.lastAtMs = Math.max(book.lastAtMs, atMs);
  const usage = fieldsOf(message['usage']);
  const count = (name: string): number => numberOf(usage[name]) ?? 0;
  book.answers.set(id, {
    atMs: book.answers.get(id)?.atMs ?? atMs,
    tokens: count('input_tokens') + count('cache_creation_input_tokens') + count('output_tokens'),
    cached: count('cache_read_input_tokens'),
  });
}

function enterTotal(book: Book, line: string): void {
  const entry = parseObject(line);
  const usd = numberOf(entry?.['totalCostUSD']);
  if (entry?.['type'] !== 'cost-state' || usd === null || entry['hasUnknownModelCost'] === true) return;
  book.totals.push({ atMs: book.lastAtMs, usd });
}

/** What the conversations cost between two moments; null when none says. */
function costOf(
  read: readonly { readonly file: string; readonly book: Book }[],
  startMs: number,
  endMs: number,
  reported: ReportedCost | null,
): number | null {
  const costs = read.flatMap(({ file, book }) => {
    const before = book.totals.findLast(({ atMs }) => atMs < startMs)?.usd ?? 0;
    const own = reported !== null && path.basename(file, '.jsonl') === reported.sessionId ? [reported] : [];
    const during = [...book.totals, ...own].filter(({ atMs }) => atMs >= startMs && atMs <= endMs);
    return during.length === 0 ? [] : [Math.max(...during.map(({ usd }) => usd)) - before];
  });
  return costs.length === 0 ? null : costs.reduce((all, cost) => all + Math.max(0, cost), 0);
}

/** The transcripts of a directory, and those of subagents below. */
function transcriptsBeside(transcript: string): readonly string[] {
  const main = conversationsBeside(transcript);
  return main.flatMap((file) => [
    file,
    ...conversationsBeside(path.join(file.slice(0, -'.jsonl'.length), 'subagents', 'any')),
  ]);
}
