/** Calls of the system that fail: no room, a bad disk, no more open files, no permission, at each write, sync, open, read and rename. */
import { constants } from 'node:os';
import { type CallKind, faultObstacle } from './fault.ts';
import { assertDatabasesWhole } from './oracle.ts';
import { faultIn, recorder, type Verb } from './scenes.ts';
import { assertWellTold, atDifferentCalls, type Case, type Sweep } from './sweep.ts';
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
    run: (reach) => {
      const spec = { calls: [call], what: `${lasting ? 'from' : 'once'}:${number}` } as const;
      return atDifferentCalls(reach, recorder(verb, spec), async (at) => {
        await using scene = await verb.make([]);
        using fault = faultIn(verb, scene, spec, at);
        const ended = await scene.act(fault.env, fault.fired);
        if (!fault.fired()) return false;
        assertWellTold(ended);
        await scene.settle();
        assertDatabasesWhole(scene.home);
        return true;
      });
    },
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
