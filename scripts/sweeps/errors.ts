/** Calls of the system that fail: no room, a bad disk, no more open files, no permission, at each write, sync, open, read and rename. */
import { constants } from 'node:os';
import { type CallKind, createFault, faultObstacle } from './fault.ts';
import { assertDatabasesWhole } from './oracle.ts';
import type { Verb } from './scenes.ts';
import { assertWellTold, atEachCall, type Case, type Sweep } from './sweep.ts';
import { VERBS } from './verbs.ts';

/** The call, and how it fails. */
const FAILURES: readonly (readonly [CallKind, keyof typeof constants.errno])[] = [
  ['write', 'ENOSPC'],
  ['write', 'EIO'],
  ['sync', 'ENOSPC'],
  ['sync', 'EIO'],
  ['open', 'EMFILE'],
  ['open', 'EACCES'],
  ['make', 'ENOSPC'],
  ['make', 'EIO'],
  ['make', 'EACCES'],
  ['remove', 'EACCES'],
  ['look', 'EMFILE'],
  ['look', 'EACCES'],
  ['read', 'EIO'],
];

/** What the calls of a kind do, for people. */
const WORDS: Readonly<Record<CallKind, string>> = {
  write: 'writes',
  sync: 'fsync',
  open: 'opens to write',
  make: 'renames, links, mkdir',
  remove: 'removes, chmod',
  look: 'opens to read',
  read: 'reads',
};

function failing(verb: Verb, [call, error]: (typeof FAILURES)[number], lasting: boolean): Case {
  const number = constants.errno[error];
  return {
    name: `${verb.name}, ${WORDS[call]}`,
    harm: `${error} ${lasting ? 'from there on' : 'once'}`,
    run: (reach) =>
      atEachCall(reach, async (at) => {
        await using scene = await verb.make([]);
        using fault = createFault({
          program: `cli.js ${verb.name}`,
          calls: [call],
          under: scene.home,
          at,
          what: `${lasting ? 'from' : 'once'}:${number}`,
        });
        const ended = await scene.act(fault.env, fault.fired);
        if (!fault.fired()) return false;
        assertWellTold(ended);
        await scene.settle();
        assertDatabasesWhole(scene.home);
        return true;
      }),
  };
}

export const errors: Sweep = {
  name: 'errors',
  summary:
    'ENOSPC, EIO, EMFILE and EACCES at the k-th write, fsync, open, read, rename and the like of each command, for every k',
  obstacle: faultObstacle,
  cases: () =>
    VERBS.flatMap((verb) =>
      FAILURES.flatMap((failure) => [false, true].map((lasting) => failing(verb, failure, lasting))),
    ),
};
