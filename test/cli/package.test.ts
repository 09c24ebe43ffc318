/** The package as npm packs it, unpacked elsewhere: it works without our checkout, and says so when its native part is missing. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PACKAGE_ROOT } from '../../src/app/package-root.ts';
import { type CliRig, createCliRig } from '../support/cli-rig.ts';

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

  test('a missing native module is exit 3 with the remedy', () => {
    const { status, stderr } = orchestrate(['import', '-'], PLAN);
    assert.equal(status, 3);
    assert.match(
      stderr,
      /^orchestrate: error: .*better-sqlite3.*\n {2}fix: .*--allow-scripts=better-sqlite3/,
    );
    assert.equal(orchestrate(['doctor']).status, 3);
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
