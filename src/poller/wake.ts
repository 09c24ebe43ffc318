/** Wakes the poller: by changes, by what is due, and by a safety poll; several wake-ups between two ticks are one. */

/** One sleeper that many things can wake. */
export type Alarm = {
  ring(): void;
  /** Resolves at the next ring, or after `timeoutMs`; at once when it rang since the last wait. */
  wait(timeoutMs: number): Promise<void>;
};

export function createAlarm(): Alarm {
  let rung = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(timeoutMs) {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = null;
      rung = false;
    },
  };
}

/** Resolves after `ms`, or at `abort`. */
export function pause(ms: number, abort: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      abort.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    abort.addEventListener('abort', end);
    if (abort.aborted) end();
  });
}

/**
 * Rings while `signal` keeps resolving (a tmux channel, for one); a failing signal is asked again after a pause, since its
 * server may be down for a while. Ends with `abort`.
 */
export async function ringOn(
  signal: (abort: AbortSignal) => Promise<void>,
  alarm: Alarm,
  abort: AbortSignal,
): Promise<void> {
  const RETRY_MS = 1_000;
  while (!abort.aborted) {
    const startedMs = performance.now();
    const answered = await signal(abort).then(
      () => true,
      () => false,
    );
    if (abort.aborted) return;
    if (answered) alarm.ring();
    if (!answered || performance.now() - startedMs < 5)
      await new Promise((resolve) => setTimeout(resolve, answered ? 5 : RETRY_MS));
  }
}
