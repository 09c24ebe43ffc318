/** What `ps` prints on macOS, read from samples. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProcStat } from '../../src/core/proc-stat.ts';
import { createDarwinTable, parseDirectories, parseMarks, parsePs } from '../../src/process/darwin.ts';
import { findMembers } from '../../src/process/end-tree.ts';
import { createProcesses } from '../../src/process/processes.ts';

test('rows of ps are read, zombies and other lines left out', () => {
  const text = [
    '    1     0     1 Ss   Mon Nov 24 10:33:00 2025    ',
    ' 4242     1  4242 S+   Mon Nov  3 01:02:03 2025',
    ' 4243  4242  4242 Z    Mon Nov  3 01:02:04 2025',
    'ps: a warning',
    '',
  ].join('\n');
  assert.deepEqual(parsePs(text), [
    { pid: 1, ppid: 0, group: 1, start: 'Mon Nov 24 10:33:00 2025' },
    { pid: 4242, ppid: 1, group: 4242, start: 'Mon Nov 3 01:02:03 2025' },
  ]);
});

test('marks are read from environments that ps shows', () => {
  const text = [
    '  77 sh -c sleep 5 HOME=/Users/x ORCHESTRATE_MARK=abc:run:key:1 PATH=/bin',
    '  78 echo NOT_ORCHESTRATE_MARK=x',
    '  79 sleep 5 ORCHESTRATE_MARK=last',
  ].join('\n');
  assert.deepEqual(
    [...parseMarks(text)],
    [
      [77, 'abc:run:key:1'],
      [79, 'last'],
    ],
  );
});

test('a stat line is read whatever the command is named', () => {
  const tail = 'S 10 20 30 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 2';
  for (const name of ['sh', 'a b', 'x) S 1 (y', ')', 'a\nb']) {
    assert.deepEqual(parseProcStat(`42 (${name}) ${tail}\n`), {
      pid: 42,
      state: 'S',
      ppid: 10,
      sid: 30,
      start: '987654',
    });
  }
  for (const bad of ['', '42', '42 (sh) S 1', 'x (sh) S 1 2 3']) assert.equal(parseProcStat(bad), null);
});

test('members are roots, what is below them, and their sessions; never ourselves or those above us', () => {
  const row = (pid: number, ppid: number, group: number) => ({ pid, ppid, group, start: `s${pid}` });
  const rows = [
    row(1, 0, 1),
    row(10, 1, 10),
    row(11, 10, 11),
    row(50, 11, 50),
    row(51, 50, 51),
    row(52, 1, 50),
  ];
  const find = (also: Partial<Parameters<typeof findMembers>[1]>) =>
    findMembers(rows, { roots: [], marked: new Set(), known: new Map(), self: 11, ...also }).map(
      (each) => each.pid,
    );
  assert.deepEqual(find({ roots: [{ pid: 50, start: 's50' }] }), [50, 51, 52]);
  assert.deepEqual(find({ roots: [{ pid: 50, start: 'another' }] }), []);
  assert.deepEqual(find({ roots: [{ pid: 10, start: 's10' }] }), []);
  assert.deepEqual(find({ marked: new Set([1, 10, 11, 51]) }), [51]);
  assert.deepEqual(
    find({
      known: new Map([
        [52, 's52'],
        [51, 'another'],
      ]),
    }),
    [52],
  );
});

/** What `/bin/ps` and `sysctl` of a Mac answer, by their arguments; anything else they are asked is a failure. */
const MAC: Readonly<Record<string, string>> = {
  '/usr/sbin/sysctl -n kern.bootsessionuuid': '6F1C7D9A-2B0E-4C5D-9E53-0A1B2C3D4E5F\n',
  '/bin/ps -p 4250 -o pid=,ppid=,pgid=,stat=,lstart=':
    ' 4250  4242  4242 Z+   Sat Nov  8 01:02:09 2025    \n',
  '/bin/ps -ax -o pid=,ppid=,pgid=,stat=,lstart=': [
    '    1     0     1 Ss   Fri Nov  7 08:00:00 2025    ',
    '  501     1   501 Ss   Fri Nov  7 08:00:41 2025    ',
    ' 4242     1  4242 Ss+  Sat Nov  8 01:02:03 2025    ',
    ' 4243  4242  4242 S+   Sat Nov  8 01:02:04 2025    ',
    ' 4244     1  4244 S    Sat Nov  8 01:02:05 2025    ',
    ' 4250  4242  4242 Z+   Sat Nov  8 01:02:09 2025    ',
    '98765   501 98765 U<s  Sun Nov  9 12:00:00 2025    ',
    '',
  ].join('\n'),
  '/bin/ps -axww -E -o pid=,command=': [
    '    1 /sbin/launchd',
    ' 4242 claude --session-id 0 TERM=screen-256color ORCHESTRATE_MARK=0123456789abcdef:run:a:1 HOME=/Users/me',
    ' 4243 (node)',
    ' 4244 npm test  ORCHESTRATE_MARK=0123456789abcdef:run:a:1 PATH=/usr/bin:/bin',
    ' 4250 <defunct>',
    '98765 -zsh ORCHESTRATE_MARK=fedcba9876543210:run:a:1',
    '',
  ].join('\n'),
};

/** As `execFileSync` fails for a command that exits otherwise than 0. */
const exited = (status: number): Error => Object.assign(new Error(`exit ${status}`), { status });

test('on a Mac processes are told by ps and sysctl alone', () => {
  const asked: string[] = [];
  const mac = createProcesses(
    createDarwinTable((file, args) => {
      const words = [file, ...args].join(' ');
      asked.push(words);
      const answer = MAC[words];
      if (answer !== undefined) return answer;
      throw exited(words.startsWith('/bin/ps -p ') ? 1 : 2);
    }),
  );
  const worker = { pid: 4242, start: 'Sat Nov 8 01:02:03 2025' };
  assert.equal(mac.bootId(), '6F1C7D9A-2B0E-4C5D-9E53-0A1B2C3D4E5F');
  assert.equal(mac.bootId(), mac.bootId());
  assert.equal(asked.length, 1, 'it stays while we live');
  assert.deepEqual(mac.identify(4242), worker);
  assert.equal(mac.identify(4250), null, 'a zombie');
  assert.equal(mac.identify(77), null, 'nobody');
  assert.equal(mac.identify(0), null);
  assert.ok(mac.isAlive(worker));
  assert.ok(!mac.isAlive({ ...worker, start: 'Sat Nov 8 01:02:02 2025' }));
  assert.deepEqual(mac.findMarked('0123456789abcdef:'), [
    { identity: worker, mark: '0123456789abcdef:run:a:1' },
    { identity: { pid: 4244, start: 'Sat Nov 8 01:02:05 2025' }, mark: '0123456789abcdef:run:a:1' },
  ]);
});

test('on a Mac one ps answers for all processes that are asked for in one turn', async () => {
  const asked: string[] = [];
  const table = createDarwinTable((file, args) => {
    const words = [file, ...args].join(' ');
    asked.push(words);
    return MAC[words] ?? '';
  });
  const pids = [501, 4242, 4243, 4244];
  assert.deepEqual(
    pids.map((pid) => table.identify(pid)?.pid),
    pids,
  );
  assert.equal(asked.length, 1);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(table.identify(501)?.pid, 501);
  assert.equal(asked.length, 2, 'a later turn looks again');
});

test('a ps that cannot be asked is no answer: nobody is taken for gone', () => {
  const broken = createDarwinTable(() => {
    throw exited(2);
  });
  assert.throws(() => broken.identify(4242), /exit 2/);
  assert.throws(() => broken.rows(), /exit 2/);
  assert.throws(() => broken.marks([1]), /exit 2/);
  assert.throws(() => broken.bootId(), /exit 2/);
});

test('working directories are read from lsof, also when it may not look at all processes', () => {
  const told = 'p12\nfcwd\nn/a dir/b\np13\nfcwd\nn/c\n';
  assert.deepEqual(
    [...parseDirectories(told)],
    [
      [12, '/a dir/b'],
      [13, '/c'],
    ],
  );
  const partly = createDarwinTable(() => {
    throw Object.assign(new Error('lsof'), { status: 1, stdout: told });
  });
  assert.equal(partly.directories().get(12), '/a dir/b');
  const broken = createDarwinTable(() => {
    throw Object.assign(new Error('lsof is missing'), { status: 127, stdout: '' });
  });
  assert.throws(() => broken.directories(), /missing/);
});
