/** Posts to a server of the user's choice, a bounded number of times; what it says of a failure holds no address and no secret. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Post } from './presets.ts';

/** A message did not arrive, and why, in words that may be shown. */
export class Undelivered extends Error {
  override readonly name = 'Undelivered';
}

/** One try takes no longer. */
const TIMEOUT_MS = 10_000;
/** Pauses before further tries, for what may pass: no network, too many requests, a server in trouble. */
const PAUSES_MS = [1_000, 5_000] as const;
/** A server that asks for a longer pause is not waited for. */
const LONGEST_PAUSE_MS = 30_000;

/** How one try went: null when it arrived. */
type Failure = { readonly why: string; readonly mayPass: boolean; readonly pauseMs: number | null };

/** Posts until it arrives; `persist` false: once. Throws `Undelivered`, or the reason of `abort`. */
export async function deliver(post: Post, persist: boolean, abort: AbortSignal): Promise<void> {
  const pauses = persist ? PAUSES_MS : [];
  for (let tried = 0; ; tried += 1) {
    const failure = await attempt(post, abort);
    if (failure === null) return;
    const pauseMs = pauses[tried];
    const asked = failure.pauseMs ?? 0;
    if (pauseMs === undefined || !failure.mayPass || asked > LONGEST_PAUSE_MS)
      throw new Undelivered(failure.why);
    await pause(Math.max(pauseMs, asked), abort, failure);
  }
}

/** Where there is no time for another try, why the last one failed says more than that. */
async function pause(ms: number, abort: AbortSignal, { why }: Failure): Promise<void> {
  await sleep(ms, undefined, { signal: abort }).catch(() => undefined);
  if (abort.aborted) throw abort.reason instanceof Undelivered ? new Undelivered(why) : abort.reason;
}

async function attempt({ url, headers, body }: Post, abort: AbortSignal): Promise<Failure | null> {
  const signal = AbortSignal.any([abort, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal });
    await response.body?.cancel();
    return response.ok ? null : refusal(response);
  } catch (error) {
    abort.throwIfAborted();
    return { why: unreachable(error), mayPass: true, pauseMs: null };
  }
}

/** What a status means to the user. */
function refusal({ status, headers }: Response): Failure {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  const pauseMs = Number.isFinite(seconds) ? seconds * 1000 : null;
  const mayPass = status === 429 || status >= 500;
  const word =
    status === 401 || status === 403
      ? ': token or address is refused'
      : status === 404 || status === 410
        ? ': there is nothing at that address'
        : status >= 300 && status < 400
          ? ': it sends elsewhere, which is not followed'
          : '';
  return { why: `the server answered ${status}${word}`, mayPass, pauseMs };
}

/** By its code alone: the messages of what fetch throws quote addresses. */
export function unreachable(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const { code, name } = cause as { code?: unknown; name?: unknown };
  if (name === 'TimeoutError') return `the server did not answer within ${TIMEOUT_MS / 1000} s`;
  const word = typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? ` (${code})` : '';
  return `the server cannot be reached${word}`;
}
