/** What stands first on the PATH of workers, setup commands and gates: our launcher, and nothing that a repository or a worker put there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { launcherDirectory } from '../../src/worker/launcher-directory.ts';
import { createProjectRig, streamOf } from '../support/worker-rig.ts';

const FALSE_GIT = '#!/bin/sh\necho "false git" >&2\nexit 42\n';

test('a git that was committed beside the launcher, or that a worker writes there, is run by no worker, setup or gate', async () => {
  await using rig = await createProjectRig({
    config: {
      gates: [{ name: 'git', command: 'git rev-parse HEAD && orchestrate --version' }],
      worktree: { setup: ['git rev-parse HEAD'] },
    },
  });
  rig.cli.write('.claude/orchestrator/git', FALSE_GIT);
  chmodSync(join(rig.root, '.claude/orchestrator/git'), 0o755);
  rig.cli.git('add', '--force', '.claude/orchestrator/git');
  rig.cli.git('commit', '--quiet', '--message=A git of its own');
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  assert.match(await worker.sh('command -v git'), /^(?!.*orchestrat)/);
  const own = await worker.sh('dirname "$(command -v orchestrate)"');
  assert.ok(!own.startsWith(join(rig.root, '.claude')), own);
  assert.match(await worker.sh('orchestrate --version'), /^\d+\./);
  await worker.sh(
    'printf "%s" "$1" > "$2/git" && chmod 755 "$2/git" && cp "$2/git" "$2/orchestrate"',
    FALSE_GIT,
    own,
  );
  await worker.sh(
    '/usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$HOME" sh -c "echo x > a.txt && git add a.txt && git commit -q -m a"',
  );
  rig.setTasks('A', 'completed');
  worker.exit(0);
  assert.equal((await poller.end()).code, 0, poller.output());
  assert.equal(streamOf(await rig.look(), 'A').state, 'done');
  assert.deepEqual(readdirSync(own), ['orchestrate']);
});

test('the directory is ours alone, whatever was in its place', () => {
  const parent = mkdtempSync(join(tmpdir(), 'orchestrate-launcher-'));
  try {
    const script = '#!/bin/sh\necho ours\n';
    const bin = launcherDirectory(parent, script);
    const run = (): string => execFileSync(join(bin, 'orchestrate'), { encoding: 'utf8' });
    assert.equal(run(), 'ours\n');
    const elsewhere = join(parent, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'git'), FALSE_GIT);
    const spoils: readonly (() => void)[] = [
      () => writeFileSync(join(bin, 'git'), FALSE_GIT),
      () => mkdirSync(join(bin, 'npm')),
      () => writeFileSync(join(bin, 'orchestrate'), FALSE_GIT),
      () => chmodSync(join(bin, 'orchestrate'), 0o600),
      () => chmodSync(bin, 0o777),
      () => {
        rmSync(join(bin, 'orchestrate'));
        symlinkSync(join(elsewhere, 'git'), join(bin, 'orchestrate'));
      },
      () => {
        rmSync(bin, { recursive: true });
        symlinkSync(elsewhere, bin);
      },
      () => {
        rmSync(join(bin, '..'), { recursive: true });
        symlinkSync(elsewhere, join(bin, '..'));
      },
    ];
    for (const spoil of spoils) {
      spoil();
      assert.equal(launcherDirectory(parent, script), bin);
      assert.deepEqual(readdirSync(bin), ['orchestrate'], String(spoil));
      assert.equal(run(), 'ours\n', String(spoil));
      assert.equal(statSync(bin).mode & 0o777, 0o700);
    }
    assert.ok(existsSync(join(elsewhere, 'git')), 'what a link led to stays as it was');
    assert.deepEqual(readdirSync(join(parent, 'orchestrate')), ['bin']);
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
});
