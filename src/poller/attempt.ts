/** Lets work that only tells, notes or wakes fail without stopping anything: outside of a tick nobody else would catch it. */
import { messageOf } from '../core/errors.ts';

/** Returns a function that runs a work and passes what it throws to `onTrouble`. */
export function attemptWith(onTrouble: (message: string) => void): (work: () => void) => void {
  return (work) => {
    try {
      work();
    } catch (error) {
      onTrouble(messageOf(error));
    }
  };
}
