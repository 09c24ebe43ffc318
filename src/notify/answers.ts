/** Hears what the user writes to the topic for answers, by a connection that goes out; what it is handed may be anyone's. */
import { setTimeout as sleep } from 'node:timers/promises';
import { OrchestrateError } from '../core/errors.ts';
import { parseObject } from '../core/json-fields.ts';
import { unreachable } from './deliver.ts';
import { type Secrets, topicOf } from './secrets.ts';

/** What may be asked for from elsewhere, of one stream. */
const VERBS = ['send', 'retry', 'park', 'stop'] as const;
export type Answer =
  | { readonly verb: 'send'; readonly stream: string; readonly text: string }
  | { readonly verb: Exclude<(typeof VERBS)[number], 'send'>; readonly stream: string };

/** Longest answer, in characters. */
const LONGEST_ANSWER = 1_000;

/** What a message asks for, null for anything else: a verb, a stream in one word, and for `send` alone the text, on one line. */
export function answerOf(text: string): Answer | null {
  if (text.length > LONGEST_ANSWER || /[\p{Cc}\p{Cs}\p{Cf}\u2028\u2029]/u.test(text)) return null;
  const [, word = '', stream = '', rest = ''] = /^ *([A-Za-z]+) +([^ ]+)(?: +(.*?))? *$/.exec(text) ?? [];
  const verb = VERBS.find((each) => each === word.toLowerCase());
  if (verb === undefined || stream.startsWith('-')) return null;
  if (verb === 'send') return rest === '' ? null : { verb, stream, text: rest };
  return rest === '' ? { verb, stream } : null;
}

/** A line of ntfy's stream, as far as it is understood. */
type Heard = { readonly id: string; readonly atS: number; readonly event: string; readonly text: string };

function heardOf(line: string, topic: string): Heard | null {
  // Whatever answers there may be no ntfy, or not yet.
  const { id, time, event, message, topic: of } = parseObject(line) ?? {};
  if (typeof id !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(id) || of !== topic) return null;
  if (typeof time !== 'number' || !Number.isSafeInteger(time) || typeof event !== 'string') return null;
  return { id, atS: time, event, text: typeof message === 'string' ? message : '' };
}

/** Older than this when it arrives (by the server's own clock), a message is of a question that has passed. */
const OLDEST_S = 600;
const REMEMBERED = 1_000;

/** Says of each message whether it is new: not one of before it listened, not one that was there before, not a late one. */
export function createFreshness(): (heard: Heard) => boolean {
  const ids = new Set<string>();
  let firstS = Number.POSITIVE_INFINITY;
  let nowS = 0;
  const isNew = ({ id, atS }: Heard): boolean => atS >= firstS && atS >= nowS - OLDEST_S && !ids.has(id);
  return (heard) => {
    if (heard.event === 'open') firstS = Math.min(firstS, heard.atS);
    if (heard.event !== 'message') {
      nowS = Math.max(nowS, heard.atS);
      return false;
    }
    if (!isNew(heard)) return false;
    ids.add(heard.id);
    const [oldest] = ids;
    if (ids.size > REMEMBERED && oldest !== undefined) ids.delete(oldest);
    return true;
  };
}

/** The server says something at least every 45 s. */
const SILENCE_MS = 120_000;
const LONGEST_LINE = 64 * 1024;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** Who is told: each new message in turn, and why nothing can be heard (null: it can again). */
export type AnswerEars = {
  readonly message: (text: string) => Promise<void>;
  readonly trouble: (why: string | null) => void;
};

/** Listens until `abort`; a connection that breaks is made again, after what it heard last. Never rejects. */
export async function listenForAnswers(
  secretsNow: () => Secrets,
  ears: AnswerEars,
  abort: AbortSignal,
): Promise<void> {
  const isFresh = createFreshness();
  let lastS: number | null = null;
  let failures = 0;
  while (!abort.aborted) {
    try {
      await hear(secretsNow(), lastS, abort, async (heard) => {
        failures = 0;
        ears.trouble(null);
        lastS = Math.max(lastS ?? 0, heard.atS);
        if (isFresh(heard)) await ears.message(heard.text);
      });
    } catch (error) {
      if (abort.aborted) return;
      ears.trouble(troubleOf(error));
    }
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
    failures = Math.min(failures + 1, 10);
    await sleep(pauseMs, undefined, { signal: abort }).catch(() => undefined);
  }
}

/** The server answered, but not with messages. */
class Refused extends Error {}

/** What the secrets lack is no fault of the server's, and has a remedy of its own. */
function troubleOf(error: unknown): string {
  if (error instanceof OrchestrateError) return `${error.message}: ${error.fix}`;
  return error instanceof Refused ? error.message : unreachable(error);
}

/** The token is for the server of notices: it goes to no other. */
function authorization({ url, token, answersUrl }: Secrets): Record<string, string> {
  const isOther = url !== null && answersUrl !== null && new URL(url).origin !== new URL(answersUrl).origin;
  return token === null || isOther ? {} : { authorization: `Bearer ${token}` };
}

async function hear(
  secrets: Secrets,
  sinceS: number | null,
  abort: AbortSignal,
  take: (heard: Heard) => Promise<void>,
): Promise<void> {
  const url = secrets.answersUrl ?? '';
  const topic = topicOf(url)?.topic ?? '';
  const silence = new AbortController();
  const watch = setTimeout(() => silence.abort(), SILENCE_MS);
  const signal = AbortSignal.any([abort, silence.signal]);
  try {
    const since = sinceS === null ? '' : `?since=${sinceS}`;
    const response = await fetch(`${url}/json${since}`, {
      headers: authorization(secrets),
      redirect: 'manual',
      signal,
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new Refused(`the server answered ${response.status}`);
    }
    for await (const line of linesOf(response.body, () => watch.refresh())) {
      // Lines that came together with the last one are not obeyed at the end.
      abort.throwIfAborted();
      const heard = heardOf(line, topic);
      if (heard !== null) await take(heard);
    }
  } finally {
    clearTimeout(watch);
  }
}

/** Lines of a body in UTF-8. Throws for one that goes on too long. */
async function* linesOf(body: ReadableStream<Uint8Array>, onData: () => void): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    onData();
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new Refused('the server sends lines without an end');
    yield* lines;
  }
}
