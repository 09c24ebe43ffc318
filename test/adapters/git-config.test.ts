/** Settings that make git run a program: a change of them is noticed, however small or quick it was. */
import assert from 'node:assert/strict';
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createRig, type GitRig } from '../support/git-rig.ts';

let rig: GitRig;
describe('git config', () => {
  beforeEach(() => {
    rig = createRig();
  });
  afterEach(() => rig.remove());

  it('a filter that is added or changed between two readings is seen, and others are not in the way', async () => {
    const before = await rig.git.executableConfig();
    rig.run(['config', 'user.nickname', 'x']);
    assert.deepEqual(await rig.git.executableConfig(), before);
    rig.run(['config', 'filter.lfs.clean', 'true']);
    assert.equal((await rig.git.executableConfig())['filter.lfs.clean'], 'true');
    rig.run(['config', 'filter.lfs.clean', 'evil']);
    assert.equal((await rig.git.executableConfig())['filter.lfs.clean'], 'evil');
  });

  it('a change of equal length with its time set back is seen', async () => {
    rig.run(['config', 'filter.a.clean', 'good']);
    const file = join(rig.commonDir, 'config');
    const time = new Date(2020, 1, 1);
    utimesSync(file, time, time);
    assert.equal((await rig.git.executableConfig())['filter.a.clean'], 'good');
    writeFileSync(file, readFileSync(file, 'utf8').replace('good', 'evil'));
    utimesSync(file, time, time);
    assert.equal((await rig.git.executableConfig())['filter.a.clean'], 'evil');
  });

  it('a change in an included file is seen', async () => {
    const included = join(rig.commonDir, 'extra');
    writeFileSync(included, '[merge "x"]\n\tdriver = one\n');
    rig.run(['config', 'include.path', included]);
    assert.equal((await rig.git.executableConfig())['merge.x.driver'], 'one');
    writeFileSync(included, '[merge "x"]\n\tdriver = two\n');
    assert.equal((await rig.git.executableConfig())['merge.x.driver'], 'two');
  });
});
