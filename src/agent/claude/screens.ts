/** Reads panes sparingly: at most once a second for each run, and never throws. */

export type Screens = {
  /** The text of the run's pane, at most a second old; null when it can't be read. */
  read(run: string, capture: () => Promise<string>): Promise<string | null>;
};

const FRESH_MS = 1_000;
/** Far more runs than ever start at once; older readings are forgotten. */
const KEPT = 256;

/** `nowMs` is the clock. */
export function createScreens(nowMs: () => number): Screens {
  const seen = new Map<string, { readonly atMs: number; readonly text: Promise<string | null> }>();
  return {
    read: (run, capture) => {
      const last = seen.get(run);
      if (last !== undefined && Math.abs(nowMs() - last.atMs) < FRESH_MS) return last.text;
      // A pane that can't be read is a pane that says nothing: the next second it is asked again.
      const text = capture().catch(() => null);
      seen.delete(run);
      seen.set(run, { atMs: nowMs(), text });
      const oldest = seen.keys().next();
      if (seen.size > KEPT && oldest.done !== true) seen.delete(oldest.value);
      return text;
    },
  };
}
