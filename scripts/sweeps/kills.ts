/** kill -9 of a command before and after each of its calls of git and tmux, and before and after each write of its databases and files. */
import assert from 'node:assert/strict';
import { createShim, type Moment } from '../../test/support/shim.ts';
import { faultObstacle } from './fault.ts';
import { assertDatabasesWhole } from './oracle.ts';
import { type FaultKind, faultIn, recorder, type Verb } from './scenes.ts';
import { atDifferentCalls, atEachCall, type Case, type Outcome, type Reach, type Sweep } from './sweep.ts';
import { VERBS } from './verbs.ts';

const MOMENTS: readonly Moment[] = ['before', 'after', 'orphaned'];

/** Kills `verb` at its calls of a tool. */
function atTool(verb: Verb, tool: 'git' | 'tmux', moment: Moment): Case {
  return {
    name: `${verb.name}, ${tool}`,
    harm: `kill -9 ${moment === 'orphaned' ? 'while it goes on' : moment}`,
    run: (reach) =>
      atEachCall(reach, async (call) => {
        using shim = createShim([verb.command ?? verb.name]);
        await using scene = await verb.make([shim.directory]);
        shim.arm(tool, call, moment);
        const { signal, code, stderr } = await scene.act({});
        shim.disarm();
        if (!shim.fired()) return false;
        assert.equal(signal, 'SIGKILL', `exit ${code}: ${stderr}`);
        await scene.settle();
        return true;
      }),
  };
}

/** Kills `verb` at its writes: of the databases alone, or of files. */
function atWrites(verb: Verb, of: 'databases' | 'files', what: 'before' | 'after'): Case {
  const databases = of === 'databases';
  return {
    name: `${verb.name}, ${of}`,
    harm: `kill -9 ${what}`,
    run: (reach: Reach): Promise<Outcome> => {
      const spec: FaultKind = databases
        ? { calls: ['write', 'sync'], name: '.db', what }
        : { calls: ['open', 'make', 'remove'], what };
      const attempt = async (call: number): Promise<boolean> => {
        await using scene = await verb.make([]);
        using fault = faultIn(verb, scene, spec, call);
        const { signal, code, stderr } = await scene.act(fault.env);
        if (!fault.fired()) return false;
        assert.equal(signal, 'SIGKILL', `exit ${code}: ${stderr}`);
        await scene.settle();
        assertDatabasesWhole(scene.home);
        return true;
      };
      // Writes of a database differ by what they hold, not by their file.
      return databases ? atEachCall(reach, attempt) : atDifferentCalls(reach, recorder(verb, spec), attempt);
    },
  };
}

export const kills: Sweep = {
  name: 'kills',
  summary:
    'kill -9 of each command before and after its k-th call of git and tmux and its k-th write, for every k',
  obstacle: faultObstacle,
  cases: () =>
    VERBS.flatMap((verb) => [
      ...(['git', 'tmux'] as const).flatMap((tool) => MOMENTS.map((moment) => atTool(verb, tool, moment))),
      ...(['databases', 'files'] as const).flatMap((of) =>
        (['before', 'after'] as const).map((what) => atWrites(verb, of, what)),
      ),
    ]),
};
