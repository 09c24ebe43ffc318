/** Looking at files: absent is an answer, what keeps us from looking is an error; and files are written whole. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs, {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { holdersOf } from '../../src/agent/claude/registry.ts';
import { eachGrownLine, endOfFile, readGrown } from '../../src/files/grown-lines.ts';
import { listIfPresent, readIfPresent, statIfPresent } from '../../src/files/present.ts';
import { removeDrafts, replaceFile } from '../../src/files/replace-file.ts';
import { scratchDirectory } from '../../src/files/scratch.ts';

function scratch(): { dir: string; at(name: string): string } & Disposable {
  const dir = mkdtempSync(join(tmpdir(), 'orchestrate-files-'));
  return {
    dir,
    at: (name) => join(dir, name),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

test('nothing there is an answer; a directory in the place of a file, or a file in that of one, is told apart', () => {
  using s = scratch();
  writeFileSync(s.at('file'), 'text');
  for (const absent of ['none', 'none/below', 'file/below']) {
    assert.equal(readIfPresent(s.at(absent)), null, absent);
    assert.equal(statIfPresent(s.at(absent)), null, absent);
    assert.deepEqual(listIfPresent(s.at(absent)), [], absent);
  }
  assert.equal(readIfPresent(s.at('file')), 'text');
  assert.throws(() => readIfPresent(s.dir), { code: 'EISDIR' });
});

test('who has a conversation open is unknown, not nobody, when an entry cannot be read', () => {
  using s = scratch();
  assert.deepEqual(holdersOf(s.at('none'), 'id'), []);
  writeFileSync(s.at('12.json'), JSON.stringify({ sessionId: 'id', procStart: '7' }));
  assert.deepEqual(holdersOf(s.dir, 'id'), [{ pid: 12, start: '7' }]);
  mkdirSync(s.at('13.json'));
  assert.throws(() => holdersOf(s.dir, 'id'), { code: 'EISDIR' });
});

test('a file is replaced whole, with its mode from the start, or stays as it was', () => {
  using s = scratch();
  replaceFile(s.at('a'), 'one', 0o600);
  replaceFile(s.at('a'), 'two', 0o755);
  assert.equal(readFileSync(s.at('a'), 'utf8'), 'two');
  assert.equal(statSync(s.at('a')).mode & 0o777, 0o755);
  mkdirSync(s.at('b'));
  writeFileSync(s.at('b/kept'), '');
  assert.throws(() => replaceFile(s.at('b'), 'x', 0o600));
  const isTheirs = (): void => {
    writeFileSync(s.at('a'), 'theirs');
    throw new Error('it is theirs');
  };
  assert.throws(() => replaceFile(s.at('a'), 'three', 0o600, isTheirs), /it is theirs/);
  assert.equal(readFileSync(s.at('a'), 'utf8'), 'theirs');
  assert.deepEqual(readdirSync(s.dir).sort(), ['a', 'b'], 'no draft is left');
});

test('a file is open to nobody else before it has its mode', (t) => {
  using s = scratch();
  const modes: number[] = [];
  const before = process.umask(0);
  t.mock.method(fs, 'chmodSync', (path: string) => void modes.push(statSync(path).mode & 0o777));
  syncBuiltinESMExports();
  try {
    for (const mode of [0o600, 0o700, 0o644]) replaceFile(s.at('a'), 'secret', mode);
  } finally {
    process.umask(before);
    t.mock.restoreAll();
    syncBuiltinESMExports();
  }
  assert.deepEqual(modes, [0o600, 0o700, 0o600]);
});

test('what a writer that was killed left beside a file is removed; drafts of the living and all else stay', () => {
  using s = scratch();
  const dead = spawnSync('/bin/sh', ['-c', 'echo $$'], { encoding: 'utf8' }).stdout.trim();
  const stay = [
    `a.${process.pid}-0123abcd.tmp`,
    `a.${dead}-0123abcd.tmp.bak`,
    `b.${dead}-0123abcd.tmp`,
    'a.tmp',
  ];
  for (const name of [...stay, 'a', `a.${dead}-0123abcd.tmp`]) writeFileSync(s.at(name), '');
  assert.equal(removeDrafts(s.dir, 'a'), 1);
  assert.deepEqual(readdirSync(s.dir).sort(), [...stay, 'a'].sort());
  assert.equal(removeDrafts(s.dir), 1, 'of any file');
  assert.deepEqual(readdirSync(s.dir).sort(), [...stay.filter((name) => !name.startsWith('b')), 'a'].sort());
});

test('a growing file gives whole lines once, however it grows, and begins again when it is another', () => {
  using s = scratch();
  const lines: string[] = [];
  const file = s.at('log');
  let place = eachGrownLine(file, null, (line) => lines.push(line));
  assert.equal(place, null);
  const look = (): string[] => {
    place = eachGrownLine(
      file,
      place,
      (line) => lines.push(line),
      () => lines.push('again'),
    );
    return lines.splice(0);
  };
  writeFileSync(file, 'one\ntw');
  assert.deepEqual(look(), ['one']);
  const long = 'x'.repeat(3 << 20);
  appendFileSync(file, `o\n${long}\nend`);
  assert.deepEqual(look(), ['two', long]);
  assert.equal(readGrown(file, place, { rest: true })?.text, 'end');
  assert.deepEqual(look(), []);
  replaceFile(file, 'new\n', 0o600);
  assert.deepEqual(look(), ['again', 'new']);
  const end = endOfFile(file);
  appendFileSync(file, 'more\n');
  assert.equal(readGrown(file, end)?.text, 'more\n');
  writeFileSync(file, '');
  assert.deepEqual(look(), ['again']);
});

test('a temporary directory that is gone is made again, and a scratch directory is made elsewhere where it cannot be', () => {
  using s = scratch();
  const before = process.env['TMPDIR'];
  const made = (temporary: string): string => {
    process.env['TMPDIR'] = s.at(temporary);
    const directory = scratchDirectory('x', s.at('own/room'));
    assert.equal(statSync(directory).mode & 0o777, 0o700, directory);
    return directory;
  };
  writeFileSync(s.at('file'), '');
  try {
    assert.ok(made('gone/below').startsWith(s.at('gone/below/orchestrate-x-')));
    assert.ok(made('gone/below').startsWith(s.at('gone/below/orchestrate-x-')));
    assert.equal(statSync(s.at('gone/below')).mode & 0o777, 0o700);
    assert.ok(made('file/below').startsWith(s.at('own/room/orchestrate-x-')));
    assert.ok(made('file').startsWith(s.at('own/room/orchestrate-x-')));
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
});
