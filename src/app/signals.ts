/** Turns the signals that ask this process to leave into an AbortSignal and an exit code; does not know what is broken off. */

/** Signals that ask to leave, with the exit codes they stand for. */
export const LEAVE_SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type LeaveSignal = keyof typeof LEAVE_SIGNALS;

export type Leaving = {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal;
  /** Exit code of the signal that came; null before one. */
  code(): number | null;
  /** Leaves signals to their defaults again. */
  stop(): void;
};

/**
 * Does work that a signal breaks off; returns its exit code, or the signal's when one came. `limitMs`: the longest time between a
 * signal and the end of the process.
 */
export async function untilSignal(
  limitMs: number,
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const leaving = leaveOnSignals(limitMs, () => undefined);
  try {
    return await work(leaving.signal);
  } catch (error) {
    const code = leaving.code();
    if (code === null) throw error;
    return code;
  } finally {
    leaving.stop();
  }
}

/**
 * Listens for signals: the first aborts, tells `onLeave`, and ends the process after `limitMs` whatever still runs; a second
 * one ends it at once.
 */
export function leaveOnSignals(limitMs: number, onLeave: (signal: LeaveSignal) => void): Leaving {
  const abort = new AbortController();
  let code: number | null = null;
  const handlers = (Object.keys(LEAVE_SIGNALS) as LeaveSignal[]).map((name) => {
    const handler = (): void => {
      if (code !== null) process.exit(code);
      code = LEAVE_SIGNALS[name];
      setTimeout(() => process.exit(LEAVE_SIGNALS[name]), limitMs).unref();
      onLeave(name);
      abort.abort();
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  return {
    signal: abort.signal,
    code: () => code,
    stop: () => {
      for (const off of handlers) off();
    },
  };
}
