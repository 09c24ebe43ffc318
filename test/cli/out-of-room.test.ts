/** Commands on a full disk, and with hardly any file left to open: one line that says so and one that mends it, never a stack of Node's. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { type CliRig, createCliRig } from '../support/cli-rig.ts';

const COMMANDS = [['status'], ['start', '--once'], ['task', 'list']] as const;
const PLAN = 'streams:\n  - id: A\n    tasks: [{ title: One }]\n';

type Said = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs a shell text that gets Node and the command line as "$@". */
async function sh(
  rig: CliRig,
  text: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Said> {
  const all = ['-c', text, 'sh', process.execPath, CLI_ENTRY, ...args];
  return promisify(execFile)('/bin/sh', all, { cwd: rig.root, env: { ...rig.env, ...env } }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: Said) => ({ code, stdout, stderr }),
  );
}

function assertSays(said: Said, what: string): void {
  assert.doesNotMatch(said.stdout + said.stderr, /\n\s+at |node:internal|Node\.js v/, what);
  if (said.code === 0) return;
  assert.equal(said.code, 3, `${what}: ${said.stderr}`);
  assert.match(said.stderr, /^orchestrate: error: [^\n]+\n {2}fix: [^\n]+\n$/, what);
}

test('with hardly any file left to open, commands work or say so in one line', async () => {
  await using rig = await createCliRig();
  rig.write('plan.yaml', PLAN);
  assert.equal((await rig.run(['init', '--yes'])).code, 0);
  assert.equal((await rig.run(['import', 'plan.yaml'])).code, 0);
  for (const command of COMMANDS) {
    for (const limit of [20, 22, 24, 26, 28, 30]) {
      const what = `${command.join(' ')} with ${limit}`;
      const said = await sh(rig, `ulimit -n ${limit}; exec "$@"`, command);
      assertSays(said, what);
      // There is no agent here, which is what stops a command that gets as far.
      const cause = /open files.*\n {2}fix: .*ulimit -n|not found: claude/;
      if (said.code !== 0) assert.match(said.stderr, cause, what);
      if (limit === 20) assert.equal(said.code, 3, what);
    }
  }
});

const canMount = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

test('on a full disk commands name the disk', {
  skip: canMount ? false : 'no tmpfs of its own',
}, async () => {
  await using rig = await createCliRig();
  const store = join(rig.home, 'small');
  mkdirSync(store);
  assert.equal((await rig.run(['init', '--yes'])).code, 0);
  rig.write('plan.yaml', PLAN);
  const script = [
    'mount -t tmpfs -o size=1m tmpfs "$STORE"',
    '"$1" "$2" import plan.yaml > /dev/null || exit 90',
    'head -c 2m /dev/zero > "$STORE/fill" 2> /dev/null',
    'exec "$@"',
  ].join('\n');
  const inside = join(rig.home, 'inside.sh');
  writeFileSync(inside, script);
  for (const command of COMMANDS) {
    const what = command.join(' ');
    const said = await sh(rig, `exec unshare -Urm /bin/sh "${inside}" "$@"`, command, {
      TASK_DB_PATH: store,
      STORE: store,
    });
    assertSays(said, what);
    assert.equal(said.code, 3, what);
    assert.match(said.stderr, /the disk is full.*\n {2}fix: df -h /, what);
  }
});
