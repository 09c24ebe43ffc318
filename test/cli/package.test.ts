/** The package as npm packs it, unpacked elsewhere: it works without our checkout, and says so when its native part is missing. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PACKAGE_ROOT } from '../../src/app/package-root.ts';
import { type CliRig, createCliRig } from '../support/cli-rig.ts';
import { otherNode } from '../support/other-node.ts';

const PLAN = 'prd: {title: P}\nstreams:\n  - {id: A, name: A, tasks: [{title: T}]}\n';

let rig: CliRig;
let unpacked = '';
describe('package', () => {
  before(async () => {
    rig = await createCliRig();
    execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', rig.home], {
      cwd: PACKAGE_ROOT,
    });
    const place = join(rig.home, "it's $(here)");
    mkdirSync(place);
    execFileSync('tar', ['-xzf', `../orchestrate-streams-${version()}.tgz`], { cwd: place });
    unpacked = join(place, 'package');
  });
  after(() => rig[Symbol.asyncDispose]());

  function version(): string {
    return JSON.parse(rig.read(join(PACKAGE_ROOT, 'package.json'))).version;
  }

  function orchestrate(args: readonly string[], input = '') {
    return spawnSync(join(unpacked, 'dist/cli.js'), args, {
      cwd: rig.root,
      env: rig.env,
      encoding: 'utf8',
      input,
    });
  }

  test('it holds the bundle, templates and licences, and neither sources nor tests', () => {
    for (const name of [
      'dist/cli.js',
      'dist/THIRD-PARTY-LICENSES.txt',
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
    ]) {
      assert.ok(existsSync(join(unpacked, name)), name);
    }
    for (const name of ['src', 'test', 'scripts', 'node_modules'])
      assert.ok(!existsSync(join(unpacked, name)), name);
    assert.ok(statSync(join(unpacked, 'dist/cli.js')).mode & 0o100);
    const own = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8'));
    assert.deepEqual(
      [own.dependencies, Object.keys(own.optionalDependencies)],
      [undefined, ['better-sqlite3']],
      'nothing else is installed with it',
    );
    assert.deepEqual(
      Object.keys(own.scripts).filter((name) => /install|^prepare$/.test(name)),
      [],
      'nothing runs where it is installed',
    );
    const entry = readFileSync(join(unpacked, 'dist/cli.js'), 'utf8');
    for (const name of readdirSync(join(unpacked, 'dist')).filter((each) => entry.includes(each))) {
      const text = readFileSync(join(unpacked, 'dist', name), 'utf8');
      assert.ok(!/[^\0-\x7f]/.test(text), `${name} is ASCII`);
    }
  });

  test('without any other package it shows help and sets a project up', () => {
    assert.equal(orchestrate(['--version']).stdout, `${version()}\n`);
    const init = orchestrate(['init']);
    assert.deepEqual([init.status, init.stderr], [0, '']);
    const launcher = spawnSync(join(rig.root, '.claude/orchestrator/orchestrate'), ['--version'], {
      cwd: rig.root,
      encoding: 'utf8',
    });
    assert.deepEqual([launcher.stdout, launcher.stderr], [`${version()}\n`, '']);
  });

  test('on a Node with an SQLite of its own, nothing beside it is needed, and doctor says what is used', async () => {
    const node = await otherNode();
    const env = { ...rig.env, TASK_DB_PATH: join(rig.home, 'tasks-of-node') };
    const run = (...args: string[]) => {
      const options = { cwd: rig.root, env, encoding: 'utf8', input: PLAN } as const;
      return spawnSync(node, [join(unpacked, 'dist/cli.js'), ...args], options);
    };
    const { status, stderr } = run('import', '-');
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(run('task', 'list').stdout, /\bT\b/);
    assert.match(run('doctor').stdout, /native module: node:sqlite with SQLite 3\./);
  });

  test('a missing native module is exit 3 with the remedy', (context) => {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
    if (major > 22 || (major === 22 && minor >= 13))
      return context.skip('this Node has an SQLite of its own');
    const { status, stderr } = orchestrate(['import', '-'], PLAN);
    assert.equal(status, 3);
    assert.match(
      stderr,
      /^orchestrate: error: .*22\.13 and newer have.*better-sqlite3.*\n {2}fix: install Node 22\.13 or newer \(.*\), or this program by npm, as its README says\n$/,
    );
    assert.equal(orchestrate(['doctor']).status, 3);
    assert.match(orchestrate(['status']).stderr, /No plan yet/, 'no empty store is left behind');
  });

  test('with its one dependency it imports a plan', () => {
    mkdirSync(join(unpacked, 'node_modules'));
    for (const name of ['better-sqlite3', 'bindings', 'file-uri-to-path']) {
      symlinkSync(join(PACKAGE_ROOT, 'node_modules', name), join(unpacked, 'node_modules', name));
    }
    const { status, stderr } = orchestrate(['import', '-'], PLAN);
    assert.deepEqual([status, stderr], [0, '']);
  });
});

test('by npm and from a clone: the lines of the README, run as written, leave a command that works', async () => {
  await using machine = await createCliRig();
  const clone = join(machine.home, 'clone');
  const left = ['.git', '.cache', 'node_modules', 'plugin'].map((name) => join(PACKAGE_ROOT, name));
  cpSync(PACKAGE_ROOT, clone, {
    recursive: true,
    preserveTimestamps: true,
    filter: (file) => !left.includes(file) && !file.endsWith('.code-cache'),
  });
  symlinkSync(join(PACKAGE_ROOT, 'node_modules'), join(clone, 'node_modules'));
  const tools = join(machine.home, 'tools');
  mkdirSync(tools);
  symlinkSync(await otherNode(), join(tools, 'node'));
  const npm = execFileSync('/bin/sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim();
  // What `npm ci` would bring is there; without a network npm leaves out the driver, which is optional.
  const standIn = `#!/bin/sh\n[ "$1" = ci ] || exec '${npm}' "$@"\n`;
  writeFileSync(join(tools, 'npm'), standIn, { mode: 0o755 });
  const prefix = join(machine.home, 'npm');
  const env = {
    ...machine.env,
    PATH: `${tools}:/usr/bin:/bin`,
    npm_config_prefix: prefix,
    npm_config_offline: 'true',
    npm_config_loglevel: 'error',
  };
  const readme = readFileSync(join(clone, 'README.md'), 'utf8');
  for (const [first, command] of [
    ['scripts/bootstrap', join(machine.home, '.local/bin/orchestrate')],
    ['npm ci', join(prefix, 'bin/orchestrate')],
  ]) {
    const [, block = ''] = new RegExp(`^\`{3}sh\n(${first}[^\`]*)`, 'm').exec(readme) ?? [];
    assert.equal(block.trim().split('\n').length, 2, block);
    execFileSync('/bin/sh', ['-ec', block], { cwd: clone, env, stdio: 'pipe' });
    const doctor = spawnSync(command ?? '', ['doctor'], { cwd: machine.root, env, encoding: 'utf8' });
    assert.match(doctor.stdout, /native module: node:sqlite with SQLite 3\./, doctor.stderr);
  }
});
