/** The command line as such: parsing, help, errors, exit codes, quiet ends; no command's own work. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { CLI_ENTRY, PACKAGE_ROOT } from '../../src/app/package-root.ts';
import { parseCommandLine } from '../../src/cli/command-line.ts';
import { errorReportOf } from '../../src/cli/error-report.ts';
import type { CommandDefinition } from '../../src/commands/definition.ts';
import { COMMANDS } from '../../src/commands/table.ts';
import { OrchestrateError } from '../../src/core/errors.ts';
import { type CliRig, createCliRig } from '../support/cli-rig.ts';

let rig: CliRig;
describe('cli', () => {
  before(async () => {
    rig = await createCliRig({ repository: false });
  });
  after(() => rig[Symbol.asyncDispose]());

  const TABLE: readonly CommandDefinition[] = [
    {
      name: 'show',
      summary: 'show it',
      args: [{ name: 'stream', required: true }],
      options: [
        { name: 'follow', short: 'f', description: 'Go on.' },
        { name: 'lines', short: 'n', value: 'N', description: 'How many.' },
        { name: 'watch', value: 'S', valueOptional: true, description: 'Again and again.' },
        { name: 'kind', value: 'KIND', choices: ['a', 'b'], description: 'Which.' },
        { name: 'dry-run', description: 'Only say.' },
      ],
      examples: ['orchestrate show x'],
      load: () => assert.fail('not loaded by parsing'),
    },
    {
      name: 'task list',
      summary: 'list',
      args: [{ name: 'words', required: false, variadic: true }],
      options: [],
      examples: ['orchestrate task list'],
      load: () => assert.fail('not loaded by parsing'),
    },
  ];

  function parsed(...argv: string[]) {
    const line = parseCommandLine(argv, TABLE);
    assert.equal(line.kind, 'run');
    return line.kind === 'run'
      ? { name: line.definition.name, args: line.args, flags: { ...line.flags } }
      : null;
  }

  test('ids stay texts, whatever they look like', () => {
    for (const id of ['007', '1e3', 'true', 'null', 'a b', '$(x)', '']) {
      assert.deepEqual(parsed('show', id, '--lines', id)?.args, [id]);
      assert.deepEqual(parsed('show', id, '--lines', id)?.flags, { lines: id });
    }
  });

  test('any text comes through as typed, as an argument and as a value', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('007', '1e3', '0x10', '-5', '--', '-', '--json', ':', '=', 'a=b', '__proto__', 'true'),
    );
    fc.assert(
      fc.property(text, text, fc.array(text), (id, value, words) => {
        assert.deepEqual(parsed('show', '--lines', value, '--', id), {
          name: 'show',
          args: [id],
          flags: { lines: value },
        });
        assert.deepEqual(parsed('show', `--lines=${value}`, '--', id)?.flags, { lines: value });
        assert.deepEqual(parsed('task', 'list', '--', ...words)?.args, words);
      }),
    );
  });

  test('a value is attached, joined or follows; of several the last counts', () => {
    for (const argv of [['-n', '007'], ['-n007'], ['-n=007'], ['--lines', '007'], ['--lines=007']]) {
      assert.deepEqual(parsed('show', 'a', ...argv), { name: 'show', args: ['a'], flags: { lines: '007' } });
      assert.deepEqual(parsed('show', ...argv, 'a'), { name: 'show', args: ['a'], flags: { lines: '007' } });
    }
    assert.deepEqual(parsed('show', 'a', '-n', '1', '--lines', '2', '-n3')?.flags, { lines: '3' });
    assert.deepEqual(parsed('show', 'a', '--lines', '2', '-n', '1')?.flags, { lines: '1' });
    assert.deepEqual(parsed('show', 'a', '--lines=')?.flags, { lines: '' });
    assert.deepEqual(parsed('show', 'a', '--lines', '')?.flags, { lines: '' });
    assert.deepEqual(parsed('show', 'a', '-n', '-5')?.flags, { lines: '-5' });
  });

  test('a switch takes no argument for its value', () => {
    for (const id of ['007', 'true', 'false', '-', 'x']) {
      for (const name of ['follow', 'dry-run', 'json', 'no-color']) {
        assert.deepEqual(parsed('show', `--${name}`, id), {
          name: 'show',
          args: [id],
          flags: { [name]: true },
        });
      }
    }
    assert.deepEqual(parsed('show', 'a', '-ff', '--follow')?.flags, { follow: true });
    assert.deepEqual(parsed('--no-color', 'show', 'a')?.flags, { 'no-color': true });
  });

  test('an id that begins with a dash works after --', () => {
    assert.deepEqual(parsed('show', '-f', '--', '-rf'), {
      name: 'show',
      args: ['-rf'],
      flags: { follow: true },
    });
    assert.deepEqual(parsed('show', '--', '--watch')?.args, ['--watch']);
  });

  test('global options may stand before or after the command', () => {
    assert.deepEqual(parsed('--json', '-C', 'x', 'show', 'a')?.flags, { json: true, directory: 'x' });
    assert.deepEqual(parsed('show', 'a', '-C', 'x', '--json')?.flags, { json: true, directory: 'x' });
    assert.deepEqual(parsed('-C', '-x', 'show', 'a')?.flags, { directory: '-x' });
  });

  test('a left-out value is told from a number that follows', () => {
    assert.deepEqual(parsed('show', 'a', '--watch')?.flags, { watch: true });
    assert.deepEqual(parsed('show', '--watch', '5', 'a'), {
      name: 'show',
      args: ['a'],
      flags: { watch: '5' },
    });
    assert.deepEqual(parsed('show', '--watch', 'a'), { name: 'show', args: ['a'], flags: { watch: true } });
    assert.deepEqual(parsed('show', 'a', '--watch=2.5')?.flags, { watch: '2.5' });
  });

  test('commands of two words take the rest as their arguments', () => {
    assert.deepEqual(parsed('task', 'list', 'x', 'y'), { name: 'task list', args: ['x', 'y'], flags: {} });
  });

  test('the table itself: commands of two words, left-out values, stdin as a file', () => {
    const real = (...argv: string[]) => {
      const line = parseCommandLine(argv, COMMANDS);
      return line.kind === 'run' ? [line.definition.name, line.args, { ...line.flags }] : line.kind;
    };
    assert.deepEqual(real('task', 'list', '--stream=007'), ['task list', [], { stream: '007' }]);
    assert.deepEqual(real('task', 'update', '1e3', '--notes', '-x'), [
      'task update',
      ['1e3'],
      { notes: '-x' },
    ]);
    assert.deepEqual(real('status', '--watch', '007'), ['status', [], { watch: '007' }]);
    assert.deepEqual(real('status', '--watch', 'A'), ['status', ['A'], { watch: true }]);
    assert.deepEqual(real('start', '-d', '1', '--max-workers', '2', '02'), [
      'start',
      ['1', '02'],
      { detach: true, 'max-workers': '2' },
    ]);
    assert.deepEqual(real('import', '-', '--dry-run'), ['import', ['-'], { 'dry-run': true }]);
    assert.deepEqual(real('status', 'watch'), ['status', ['watch'], {}]);
    assert.equal(real('status', '--help', '--watch'), 'help');
    assert.equal(real('status', '-V'), 'version');
    assert.equal(real('task', '-h'), 'help');
  });

  test('short options can be joined', () => {
    assert.deepEqual(parsed('show', 'a', '-fn5')?.flags, { follow: true, lines: '5' });
  });

  test('what is not known is a usage error with the nearest word', async (t) => {
    const cases: readonly (readonly [string[], RegExp, string])[] = [
      [['shwo', 'a b'], /unknown command "shwo"/, "orchestrate show 'a b'"],
      [['-C', 'a b', '--json', 'shwo', 'x'], /"shwo"/, "orchestrate -C 'a b' --json show x"],
      [['zzz'], /unknown command "zzz"/, 'orchestrate --help'],
      [['task', 'zzz'], /unknown command "task zzz"/, 'orchestrate task --help'],
      [['task', 'lst'], /unknown command "task lst"/, 'orchestrate task list'],
      [
        ['show', 'a', '--folow'],
        /unknown option --folow \(did you mean --follow\?\)/,
        'orchestrate show --help',
      ],
      [['show', 'a', '-x'], /unknown option -x/, 'orchestrate show --help'],
      [['show', 'a', '-fx'], /unknown option -x/, 'orchestrate show --help'],
      [['show', 'a', '--dryRun'], /unknown option --dryRun .*--dry-run\?/, 'orchestrate show --help'],
      [['show', 'a', '--no-follow'], /unknown option --no-follow .*--no-color\?/, 'orchestrate show --help'],
      [['show', 'a', '--color'], /unknown option --color/, 'orchestrate show --help'],
      [['show', 'a', '--__proto__=x'], /unknown option --__proto__/, 'orchestrate show --help'],
      [['show', 'a', '--follow='], /--follow takes no value/, 'orchestrate show --help'],
      [['--jsn', 'show'], /unknown option --jsn .*--json\?/, 'orchestrate --help'],
      [['show'], /show needs <stream>/, 'orchestrate show --help'],
      [['show', 'a', 'b'], /unexpected argument "b"/, 'orchestrate show --help'],
      [['show', 'a', '--lines'], /--lines needs a value: --lines N/, 'orchestrate show --help'],
      [['show', 'a', '--follow=1'], /--follow takes no value/, 'orchestrate show --help'],
      [['show', 'a', '--kind', 'c'], /--kind takes a or b, not "c"/, 'orchestrate show --help'],
    ];
    assert.throws(() => parseCommandLine(['merge', '--strategy', 'octopus'], COMMANDS), {
      exitCode: 2,
      message: '--strategy takes merge, squash or rebase, not "octopus"',
      fix: 'orchestrate merge --help',
    });
    for (const [argv, message, fix] of cases) {
      await t.test(argv.join(' '), () => {
        assert.throws(
          () => parseCommandLine(argv, TABLE),
          (error) => {
            assert.ok(error instanceof OrchestrateError);
            assert.equal(error.exitCode, 2);
            assert.match(error.message, message);
            assert.equal(error.fix, fix);
            return true;
          },
        );
      });
    }
  });

  test('every command has help with a summary and examples that begin with a real command', () => {
    const names = COMMANDS.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { name, summary, examples, args } of COMMANDS) {
      assert.ok(summary.length > 0 && examples.length > 0, name);
      assert.ok(
        examples.some((example) => example.includes(`orchestrate ${name}`)),
        `${name}: no example shows it`,
      );
      assert.ok(
        args.every((argument, index) => !argument.variadic || index === args.length - 1),
        `${name}: only the last argument may be variadic`,
      );
    }
  });

  test('README and guide name only commands and options that exist', () => {
    const firsts = new Set(COMMANDS.map(({ name }) => name.split(' ')[0]));
    for (const file of ['README.md', 'templates/ORCHESTRATION_GUIDE.md']) {
      const text = readFileSync(join(PACKAGE_ROOT, file), 'utf8');
      for (const [, code = ''] of text.matchAll(/`([^`\n]+)`|^((?:scripts\/|orchestrate ).*)$/gm)) {
        const verb = /^orchestrate ([a-z]+)/.exec(code)?.[1];
        if (verb !== undefined) assert.ok(firsts.has(verb), `${file} names "orchestrate ${verb}"`);
      }
    }
  });

  test('--help, -h, help and no command at all print help on stdout; --version the version', async () => {
    for (const argv of [['--help'], ['-h'], ['help'], []]) {
      const { code, stdout, stderr } = await rig.run(argv);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /^orchestrate: /);
      assert.match(stdout, /^ {2}init /m);
    }
    const one = await rig.run(['init', '--help']);
    assert.match(one.stdout, /Examples:\n {2}orchestrate init\n/);
    assert.equal((await rig.run(['help', 'init'])).stdout, one.stdout);
    const version = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')).version;
    assert.equal((await rig.run(['--version'])).stdout, `${version}\n`);
  });

  test('an error is one line, then what to type; with --json also an object on stdout', async () => {
    const plain = await rig.run(['doctro']);
    assert.deepEqual(plain, {
      code: 2,
      signal: null,
      stdout: '',
      stderr: 'orchestrate: error: unknown command "doctro"\n  fix: orchestrate doctor\n',
    });
    const json = await rig.run(['doctro', '--json']);
    assert.deepEqual(JSON.parse(json.stdout), {
      error: { code: 'usage', message: 'unknown command "doctro"', fix: 'orchestrate doctor --json' },
    });
    for (const word of ['constructor', 'toString', '__proto__']) {
      const { code, stderr } = await rig.run([word]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, new RegExp(`^orchestrate: error: unknown command "${word}"\n {2}fix: `));
    }
  });

  test('what is proposed for a number does no harm', async () => {
    assert.match(
      (await rig.run(['recover', '--expire', 'x'])).stderr,
      /fix: orchestrate recover --expire 30\n/,
    );
    assert.match((await rig.run(['start', '--poll', '0'])).stderr, /fix: orchestrate start --poll 1\n/);
    assert.match(
      (await rig.run(['start', '--max-workers', '500'])).stderr,
      /--max-workers takes a whole number from 1 to 200, not "500"\n/,
    );
    assert.match((await rig.run(['watch', '1e6'])).stderr, /seconds from 0\.1 to 86400, not "1e6"\n/);
  });

  test('outside a repository a command that needs one is exit 3', async () => {
    const { code, stderr } = await rig.run(['init']);
    assert.equal(code, 3);
    assert.match(
      stderr,
      /not inside a git repository\n {2}fix: git init && git commit --allow-empty -m Start\n/,
    );
  });

  test('-C to a directory that is not there is a usage error', async () => {
    const { code, stderr } = await rig.run(['-C', 'nowhere', 'init']);
    assert.equal(code, 2);
    assert.match(stderr, /cannot enter "nowhere": there is no such directory\n/);
  });

  test('after -C, what is to be typed acts in that directory, and not where the user is', async () => {
    const place = join(rig.root, "it's elsewhere");
    mkdirSync(place);
    const outside = await rig.run(['-C', place, 'init']);
    const word = `'${place.replace("'", "'\\''")}'`;
    assert.ok(
      outside.stderr.endsWith(`\n  fix: cd ${word} && git init && git commit --allow-empty -m Start\n`),
    );
    execFileSync('git', ['init', '-q'], { cwd: place, env: rig.env });
    const unplanned = await rig.run(['-C', place, 'plan', '--json']);
    assert.equal(JSON.parse(unplanned.stdout).error.fix, `orchestrate -C ${word} generate`);
    mkdirSync(join(place, 'inner'));
    const within = await rig.run(['-C', 'inner', 'plan'], { cwd: place });
    assert.match(within.stderr, /\n {2}fix: orchestrate generate\n$/, 'the user is in that checkout already');
  });

  test('a message never spans lines or carries control characters', () => {
    const report = errorReportOf(new OrchestrateError(7, 'a\nb\u001b[31mc', 'd\ne'), {
      json: true,
      verbose: false,
    });
    assert.equal(report.stderr, 'orchestrate: error: a bc\n  fix: d e\n');
    assert.equal(JSON.parse(report.stdout).error.message, 'a bc');
  });

  test('an unexpected error shows its stack only when asked', () => {
    const thrown = new TypeError('x is not a function');
    const quiet = errorReportOf(thrown, { json: false, verbose: false });
    assert.equal(quiet.exitCode, 1);
    assert.equal(quiet.stderr.split('\n').length, 3);
    assert.match(
      errorReportOf(thrown, { json: false, verbose: true }).stderr,
      /TypeError: x is not a function\n {4}at /,
    );
  });

  test('a reader that goes away ends the command quietly', () => {
    const script = `for i in 1 2 3 4 5; do "$0" "$1" completion bash; done 2>"$2" | head -n 1`;
    const errors = join(rig.home, 'errors');
    const { stdout } = spawnSync('/bin/sh', ['-c', script, process.execPath, CLI_ENTRY, errors], {
      encoding: 'utf8',
      env: rig.env,
    });
    assert.match(stdout, /^# bash completion/);
    assert.equal(readFileSync(errors, 'utf8'), '');
  });
});
