/** The contract of what follows a tick; a listener that fails is reported by name and stops neither the tick nor the others. */
import { messageOf } from '../../core/errors.ts';
import type { StreamState } from '../../core/types.ts';
import type { Look } from '../../look/snapshot.ts';
import type { Outcome } from '../steps/apply.ts';

/** Why the poller ended, with the states it last saw. */
export type PollerEnd = {
  readonly why: 'all-done' | 'stuck' | 'aborted' | 'once';
  readonly states: readonly StreamState[];
};

/** Something that follows the poller without steering it. */
export type Listener = {
  readonly name: string;
  /** After each look, before anything is decided on it. */
  onLook?(look: Look): void | Promise<void>;
  /** After each tick, with the states that it left. */
  onStates?(states: readonly StreamState[], look: Look): void;
  /** After each step. */
  onOutcome?(outcome: Outcome): void;
  /** At the end of the poller; `end` is null when it ended by an error. Resolves when nothing is left to be done. */
  close?(end: PollerEnd | null): void | Promise<void>;
};

/** All listeners as one, each guarded. */
export type Listeners = Required<Omit<Listener, 'name' | 'onLook' | 'close'>> & {
  onLook(look: Look): Promise<void>;
  close(end: PollerEnd | null): Promise<void>;
};

/** Returns a function that runs a work and passes what it throws to `report`, with the name of whose it is. */
export function reporting(name: string, report: (message: string) => void): (work: () => void) => void {
  return (work) => {
    try {
      work();
    } catch (error) {
      report(`${name}: ${messageOf(error)}`);
    }
  };
}

/** Calls the listeners in their order. */
export function guardListeners(listeners: readonly Listener[], report: (message: string) => void): Listeners {
  const each = (call: (listener: Listener) => void): void => {
    for (const listener of listeners) reporting(listener.name, report)(() => call(listener));
  };
  const eachInTurn = async (call: (listener: Listener) => void | Promise<void>): Promise<void> => {
    for (const listener of listeners) {
      try {
        await call(listener);
      } catch (error) {
        report(`${listener.name}: ${messageOf(error)}`);
      }
    }
  };
  return {
    onLook: (look) => eachInTurn((listener) => listener.onLook?.(look)),
    onStates: (states, look) => each((listener) => listener.onStates?.(states, look)),
    onOutcome: (outcome) => each((listener) => listener.onOutcome?.(outcome)),
    close: (end) => eachInTurn((listener) => listener.close?.(end)),
  };
}
