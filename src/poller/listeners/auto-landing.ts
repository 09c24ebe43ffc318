/** With `landing.auto`, lands each stream as soon as it is done: the very thing that `merge` does, one at a time. */
import type { Ports } from '../../app/ports.ts';
import { isAbort, messageOf } from '../../core/errors.ts';
import { canLand } from '../../core/landing.ts';
import type { StreamState } from '../../core/types.ts';
import type { Listener } from './listener.ts';

/** Pauses after a landing that was refused: what is in its way is the user's to move. */
const FIRST_PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 10 * 60_000;

/** The landing queue of a poller; does nothing unless it is configured. */
export function landingQueue(ports: Ports, abort: AbortSignal): Listener {
  if (!ports.config.landing.auto) return { name: 'landing' };
  let underWay: Promise<void> | null = null;
  let tried = '';
  let [failures, notBeforeMs] = [0, 0];
  let told = '';
  const tell = (message: string): void => {
    if (message !== told)
      ports.state.addEvent({ atMs: ports.now(), key: null, run: null, kind: 'not-landed', message });
    told = message;
  };
  const landAll = async (): Promise<void> => {
    try {
      const { land } = await import('../../landing/land.ts');
      await land(ports, { named: [], into: null, strategy: null, gates: true, abort, tell: () => undefined });
      [failures, notBeforeMs, told] = [0, 0, ''];
    } catch (error) {
      if (isAbort(error)) return;
      tried = '';
      notBeforeMs = performance.now() + Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
      failures += 1;
      tell(`nothing landed: ${messageOf(error)}`);
    }
  };
  const begin = (signature: string): void => {
    tried = signature;
    underWay = landAll().finally(() => {
      underWay = null;
    });
  };
  return {
    name: 'landing',
    onStates(states, { snapshot }) {
      const signature = signatureOf(states, (key) => snapshot.records.get(key)?.verified?.sha ?? '');
      const due = signature !== '' && signature !== tried && performance.now() >= notBeforeMs;
      if (underWay === null && due && !abort.aborted) begin(signature);
    },
    async close(end) {
      await underWay;
      // The last stream may have become done while the others landed.
      if (end?.why === 'all-done' && !abort.aborted) await landAll();
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
