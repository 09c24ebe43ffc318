/** With `landing.auto`, lands each stream as soon as it is done: the very thing that `merge` does, one at a time. */
import type { Ports } from '../../app/ports.ts';
import { isAbort, messageOf } from '../../core/errors.ts';
import { canLand } from '../../core/landing.ts';
import type { StreamState } from '../../core/types.ts';
import { type Listener, reporting } from './listener.ts';

/** Pauses after a landing that was refused: what is in its way is the user's to move. */
const FIRST_PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 10 * 60_000;

const NAME = 'landing';

/** The landing queue of a poller; does nothing unless it is configured. */
export function landingQueue(ports: Ports, abort: AbortSignal, report: (message: string) => void): Listener {
  if (!ports.config.landing.auto) return { name: NAME };
  const attempts = createAttempts(ports, abort, reporting(NAME, report));
  let underWay: Promise<void> | null = null;
  let [seen, tried] = ['', ''];
  const beginIfDue = (): void => {
    const isDue = seen !== '' && seen !== tried;
    if (underWay !== null || abort.aborted || !(isDue || attempts.isLeft()) || attempts.isPaused()) return;
    tried = seen;
    underWay = attempts
      .make(isDue)
      .then((went) => {
        if (!went) tried = '';
      })
      .finally(() => {
        underWay = null;
        // What became done meanwhile: no tick may come for long.
        beginIfDue();
      });
  };
  return {
    name: NAME,
    onStates(states, { snapshot }) {
      seen = signatureOf(states, (key) => snapshot.records.get(key)?.verified?.sha ?? '');
      beginIfDue();
    },
    async close(end) {
      while (underWay !== null) await underWay;
      // The last stream may have become done while the others landed.
      if (end?.why === 'all-done' && !abort.aborted) await attempts.make(true);
    },
  };
}

type Attempts = {
  /** Lands, or (not `isDue`) only finishes what was left half way; false when that was refused, which is told once. */
  make(isDue: boolean): Promise<boolean>;
  /** True until it is known that no landing which was killed with its poller has left a checkout locked, half way. */
  isLeft(): boolean;
  isPaused(): boolean;
};

function createAttempts(ports: Ports, abort: AbortSignal, attempt: (work: () => void) => void): Attempts {
  let isLeft = true;
  let [failures, notBeforeMs] = [0, 0];
  let told = '';
  const tell = (message: string): void => {
    if (message !== told)
      ports.state.addEvent({ atMs: ports.now(), key: null, run: null, kind: 'not-landed', message });
    told = message;
  };
  return {
    isLeft: () => isLeft,
    isPaused: () => performance.now() < notBeforeMs,
    async make(isDue) {
      try {
        const { finishLanding, land } = await import('../../landing/land.ts');
        const all = { named: [], into: null, strategy: null, gates: true, abort, tell: () => undefined };
        await (isDue ? land(ports, all) : finishLanding(ports));
        isLeft = false;
        [failures, notBeforeMs, told] = [0, 0, ''];
        return true;
      } catch (error) {
        if (isAbort(error)) return true;
        notBeforeMs = performance.now() + Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
        failures += 1;
        // On a full disk not even that can be written down.
        attempt(() => tell(`nothing landed: ${messageOf(error)}`));
        return false;
      }
    },
  };
}

/** What there is to land; empty for nothing. A landing that left some of it out is not tried again until something moves. */
function signatureOf(states: readonly StreamState[], headOf: (key: string) => string): string {
  return states
    .filter((state) => canLand(state) && !state.landed)
    .map(({ key }) => `${key} ${headOf(key)}`)
    .join('\n');
}
