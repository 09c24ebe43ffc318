/** How git is run: which one, with what environment, out of whose reach, and what happens when it cannot. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createGit } from '../../src/git/git.ts';
import { createRig, type GitRig, shimGit } from '../support/git-rig.ts';

describe('running git', () => {
  let rig: GitRig;
  const undo: (() => void)[] = [];
  beforeEach(() => {
    rig = createRig();
  });
  afterEach(() => {
    for (const step of undo.splice(0)) step();
    rig.remove();
  });
  const shim = (script: string) => undo.push(shimGit(rig, script));
  const setEnv = (name: string, value: string) => {
    const before = process.env[name];
    process.env[name] = value;
    undo.push(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  };

  it('gives a version that is new enough, and refuses old, missing and unreadable ones with exit 3', async () => {
    assert.match(await rig.git.checkVersion(), /^\d+\.\d+/);
    const cases: [string, RegExp][] = [
      ['echo git version 2.37.9', /2\.37\.9 is too old: 2\.38/],
      ['echo git version 1.99.0', /too old/],
      ['echo "fork of git, master"', /"fork of git, master"/],
    ];
    for (const [script, message] of cases) {
      const restore = shimGit(rig, script);
      await assert.rejects(rig.git.checkVersion(), { exitCode: 3, message });
      restore();
    }
    for (const newer of ['git version 2.38.0', 'git version 3.0.1', 'git version 2.39.5 (Apple Git-154)']) {
      const restore = shimGit(rig, `echo "${newer}"`);
      assert.match(await rig.git.checkVersion(), /^[23]\./);
      restore();
    }
    setEnv('PATH', '/nonexistent');
    await assert.rejects(rig.git.checkVersion(), { exitCode: 3, message: /not found in PATH/ });
    await assert.rejects(rig.git.setVerified('k', 'a'.repeat(40), null), {
      exitCode: 3,
      message: /not found in PATH/,
    });
  });

  it('is not misled by GIT_ variables, editors or pagers of whoever started it', async () => {
    const other = createRig();
    undo.push(() => other.remove());
    setEnv('GIT_DIR', other.commonDir);
    setEnv('GIT_WORK_TREE', other.root);
    setEnv('GIT_INDEX_FILE', '/nonexistent/index');
    setEnv('GIT_CONFIG_PARAMETERS', "'core.bare=true'");
    setEnv('EDITOR', 'false');
    setEnv('PAGER', 'false');
    setEnv('SSH_ASKPASS', 'false');
    const before = other.refs();
    rig.commit('c.txt', 'c\n');
    assert.equal((await rig.git.baseTip(null)).sha, rig.run(['rev-parse', 'HEAD']));
    assert.equal(await rig.ensure('stream-a'), 'created');
    assert.equal(other.refs(), before);
  });

  it('obeys what plain git obeys in that terminal, and still runs nothing of the repository', async () => {
    setEnv('GIT_CONFIG_COUNT', '2');
    setEnv('GIT_CONFIG_KEY_0', 'orchestrate.test');
    setEnv('GIT_CONFIG_VALUE_0', "it's! seen");
    setEnv('GIT_CONFIG_KEY_1', 'core.hooksPath');
    setEnv('GIT_CONFIG_VALUE_1', '/hooks/counted');
    setEnv('GIT_CONFIG_PARAMETERS', "'core.hookspath'='/hooks/given' 'orchestrate.more=2'");
    setEnv('GIT_SSH_COMMAND', 'ssh -i key');
    const seen = join(rig.home, 'env');
    shim(
      `if [ "$1" = rev-parse ]; then for k in orchestrate.test orchestrate.more core.hooksPath; do $GIT config "$k"; done > "${seen}"; printenv GIT_SSH_COMMAND >> "${seen}"; fi; exec $GIT "$@"`,
    );
    await rig.git.resolve('HEAD');
    assert.equal(readFileSync(seen, 'utf8'), "it's! seen\n2\n/dev/null\nssh -i key\n");
  });

  it('marks every child, asks for plain messages and never for a password', async () => {
    const seen = join(rig.home, 'env');
    shim(`env > "${seen}"; exec $GIT "$@"`);
    await rig.git.resolve('HEAD');
    const reading = readFileSync(seen, 'utf8');
    for (const line of [
      'ORCHESTRATE_MARK=test',
      'LC_ALL=C',
      'GIT_TERMINAL_PROMPT=0',
      'GIT_OPTIONAL_LOCKS=0',
    ]) {
      assert.ok(reading.split('\n').includes(line), line);
    }
    await rig.git.setVerified('k', rig.run(['rev-parse', 'HEAD']), null);
    const writing = readFileSync(seen, 'utf8');
    assert.ok(writing.includes('ORCHESTRATE_MARK=test'));
    assert.ok(!writing.includes('GIT_OPTIONAL_LOCKS=0'));
    assert.match(writing, /'core\.fsync'=/);
  });

  it('runs what changes something in a session of its own, so that a Ctrl-C does not reach it', async (t) => {
    if (!existsSync('/usr/bin/setsid')) return t.skip('needs setsid');
    const seen = join(rig.home, 'session');
    shim(`ps -o pid=,sid=,ppid= -p $$ > "${seen}"; exec $GIT "$@"`);
    await rig.git.setVerified('k', rig.run(['rev-parse', 'HEAD']), null);
    const [pid, session, parent] = readFileSync(seen, 'utf8').trim().split(/\s+/);
    assert.equal(session, pid);
    assert.equal(parent, String(process.pid));
  });

  it('runs no hook and no fsmonitor', async () => {
    const canary = join(rig.home, 'canary');
    const program = join(rig.home, 'program');
    writeFileSync(program, `#!/bin/sh\ntouch "${canary}"\n`);
    chmodSync(program, 0o755);
    for (const hook of [
      'post-checkout',
      'pre-commit',
      'commit-msg',
      'post-commit',
      'reference-transaction',
      'post-index-change',
    ]) {
      writeFileSync(join(rig.commonDir, 'hooks', hook), `#!/bin/sh\ntouch "${canary}"\nexit 3\n`);
      chmodSync(join(rig.commonDir, 'hooks', hook), 0o755);
    }
    rig.run(['config', 'core.fsmonitor', program]);
    rig.run(['config', 'tag.gpgSign', 'true']);
    rig.run(['config', 'gpg.program', program]);
    rig.run(['config', 'log.showSignature', 'true']);
    assert.equal(await rig.ensure('stream-a'), 'created');
    const path = rig.worktree('stream-a');
    rig.write('a.txt', 'changed\n', path);
    const base = rig.run(['rev-parse', 'HEAD']);
    await rig.git.inspect({ path, branch: 'orchestrate/stream-a', baseSha: base, parents: [base] });
    const as = { key: 'stream-a', label: 'x', stream: 'Stream-A', reason: 'a test' };
    await rig.git.saveSnapshot({ path, as, spare: { made: null, disposable: [] } });
    const head = await rig.git.commitTracked(path, 'Left over');
    await rig.git.changes(base, head);
    assert.equal((await rig.git.commits(base, head, 5)).length, 1);
    assert.ok(!existsSync(canary));
  });

  it('waits for a lock that goes away', async () => {
    const lock = join(rig.commonDir, 'refs', 'orchestrate', 'verified', 'k.lock');
    rig.write('.git/refs/orchestrate/verified/k.lock', '');
    const count = join(rig.home, 'count');
    shim(`echo x >> "${count}"; [ "$(wc -l < "${count}")" -eq 3 ] && rm -f "${lock}"; exec $GIT "$@"`);
    assert.equal(await rig.git.setVerified('k', rig.run(['rev-parse', 'HEAD']), null), true);
    assert.ok(readFileSync(count, 'utf8').trim().split('\n').length >= 3);
  });

  it('names a lock that stays, never removes it, and gives up in bounds', async () => {
    const lock = join(rig.commonDir, 'refs', 'orchestrate', 'verified', 'k.lock');
    rig.write('.git/refs/orchestrate/verified/k.lock', '');
    const git = createGit({ root: rig.root, commonDir: rig.commonDir, lockWaitMs: 300 });
    await assert.rejects(git.setVerified('k', rig.run(['rev-parse', 'HEAD']), null), (error: Error) => {
      assert.ok(error.message.includes(lock), error.message);
      assert.equal(
        Reflect.get(error, 'fix'),
        'wait for the process that holds it, or remove the file when none does',
      );
      assert.equal(Reflect.get(error, 'exitCode'), 3);
      return true;
    });
    assert.ok(existsSync(lock));
  });

  it('never works in the repository around a project that vanished', async () => {
    const inner = join(rig.root, 'inner');
    rig.run(['init', '--quiet', inner]);
    const git = createGit({ root: inner, commonDir: join(inner, '.git') });
    rmSync(join(inner, '.git'), { recursive: true });
    await assert.rejects(git.baseTip(null), { exitCode: 3 });
    rmSync(inner, { recursive: true });
    await assert.rejects(git.baseTip(null), { exitCode: 3, message: /does not exist/ });
  });

  it('says in words of its own that a repository belongs to somebody else', async () => {
    shim(`echo "fatal: detected dubious ownership in repository at '${rig.root}'" >&2; exit 128`);
    await assert.rejects(rig.git.baseTip(null), {
      exitCode: 3,
      fix: `git config --global --add safe.directory ${rig.root}`,
    });
  });
});
