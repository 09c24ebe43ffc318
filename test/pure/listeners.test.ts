/** The contract of what follows a tick: called in order, and a listener that fails harms nobody else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Look } from '../../src/look/snapshot.ts';
import { guardListeners, type Listener } from '../../src/poller/listeners/listener.ts';

const fails = (): never => {
  throw new Error('no room');
};

test('listeners are called in order; one that fails is reported by name, and the others and the tick go on', async () => {
  const calls: string[] = [];
  const told = (name: string): Listener => ({
    name,
    onLook: async () => void calls.push(`${name} look`),
    onStates: () => void calls.push(`${name} states`),
    onOutcome: () => void calls.push(`${name} outcome`),
    close: async () => void calls.push(`${name} close`),
  });
  const broken: Listener = {
    name: 'broken',
    onLook: async () => fails(),
    onStates: fails,
    onOutcome: fails,
    close: async () => fails(),
  };
  const reports: string[] = [];
  const listeners = guardListeners(
    [told('first'), broken, { name: 'silent' }, told('last')],
    (message) => void reports.push(message),
  );
  const look = {} as Look;
  await listeners.onLook(look);
  listeners.onStates([], look);
  listeners.onOutcome({ action: { kind: 'adopt', key: 'a', reason: '' }, ok: true, message: null });
  await listeners.close(null);
  const steps = ['look', 'states', 'outcome', 'close'];
  assert.deepEqual(
    calls,
    steps.flatMap((step) => [`first ${step}`, `last ${step}`]),
  );
  assert.deepEqual(reports, Array(4).fill('broken: no room'));
});
