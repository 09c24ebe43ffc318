/** Completion scripts as real shells run them, with ids that would be commands if a shell read them as such. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { bashCompletion, fishCompletion, zshCompletion } from '../../src/cli/completion-scripts.ts';
import type { CommandDefinition } from '../../src/commands/definition.ts';
import { openTerminal } from '../support/tmux-client.ts';

const TABLE: readonly CommandDefinition[] = [
  {
    name: 'logs',
    summary: "a worker's log",
    args: [{ name: 'stream', required: true, completes: 'streams' }],
    options: [{ name: 'follow', short: 'f', description: "Go on: don't end." }],
    examples: [],
    load: () => assert.fail('not loaded by completion'),
  },
  {
    name: 'import',
    summary: 'a file',
    args: [{ name: 'file', required: true, completes: 'files' }],
    options: [],
    examples: [],
    load: () => assert.fail('not loaded by completion'),
  },
  ...['list', 'show'].map((name) => ({
    name: `task ${name}`,
    summary: name,
    args: [],
    options: [
      { name: 'status', value: 'S', choices: ['open', 'closed'], description: 'Only these.' },
      { name: 'page', value: 'FILE', completes: 'files' as const, description: 'Written to.' },
    ],
    examples: [],
    load: () => assert.fail('not loaded by completion'),
  })),
];

let dir = '';
describe('completion', () => {
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'orchestrate-completion-'));
    const ids = ['Stream-A', 'Stream B', '$(touch pwn)', '`touch pwn`', "it's", 'x;touch pwn'];
    writeFileSync(join(dir, 'ids'), `${ids.join('\n')}\n`);
    writeFileSync(
      join(dir, 'orchestrate'),
      `#!/bin/sh\ncat '${join(dir, 'ids')}' | grep -iF -- "$ORCHESTRATE_WORD"\n`,
    );
    chmodSync(join(dir, 'orchestrate'), 0o755);
    writeFileSync(join(dir, 'plan.yaml'), '');
    mkdirSync(join(dir, 'folder'));
  });
  after(() => rmSync(dir, { recursive: true }));

  function run(shell: string, args: readonly string[], script: string) {
    const path = `${dir}:${process.env['PATH']}`;
    return spawnSync(shell, [...args, '-c', script], {
      cwd: dir,
      encoding: 'utf8',
      env: { ...process.env, PATH: path },
    });
  }

  function bash(...words: string[]): string[] {
    const script = `${bashCompletion(TABLE)}
COMP_WORDS=(orchestrate ${words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')})
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_orchestrate
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { status, stdout, stderr } = run('bash', ['--norc'], script);
    assert.deepEqual([status, stderr], [0, '']);
    return stdout.trimEnd().split('\n');
  }

  /** Why a test of this shell is skipped; false when it is there. */
  const isMissing = (shell: string): string | false =>
    spawnSync(shell, ['-c', ':']).status === 0 ? false : `${shell} is not installed`;

  test('bash completes commands, second words, options and files', { skip: isMissing('bash') }, () => {
    assert.deepEqual(bash(''), ['logs', 'import', 'task']);
    assert.deepEqual(bash('l'), ['logs']);
    assert.deepEqual(bash('task', ''), ['list', 'show']);
    assert.deepEqual(bash('task', 'list', '--st'), ['--status']);
    assert.deepEqual(bash('-C', dir, 'logs', '--fo'), ['--follow']);
    assert.deepEqual(bash('import', 'pl'), ['plan.yaml']);
    assert.deepEqual(bash('task', 'list', '--status', ''), ['open', 'closed']);
    assert.deepEqual(bash('task', 'list', '--page', 'pl'), ['plan.yaml'], 'files for an option');
    assert.deepEqual(bash('task', 'list', ''), [''], 'options only after a dash');
    assert.deepEqual(bash('logs', '-C', ''), ['folder']);
  });

  test('bash takes up an id that was begun, with its spaces as they are typed', {
    skip: isMissing('bash'),
  }, () => {
    assert.deepEqual(bash('logs', String.raw`stream\ b`), [String.raw`Stream\ B`]);
    assert.deepEqual(bash('logs', String.raw`\$\(touch\ p`), [String.raw`\$\(touch\ pwn\)`]);
  });

  test('bash puts an id on the command line quoted once', { skip: isMissing('bash') }, async () => {
    const shows =
      'orchestrate() { if [ "$1" = completion ]; then command orchestrate; else echo "got <$2>"; fi; }';
    writeFileSync(
      join(dir, 'o.bash'),
      `${bashCompletion(TABLE)}\nPATH='${dir}':$PATH\n${shows}\nPS1='ready> '\n`,
    );
    const argv = ['bash', '--noprofile', '--rcfile', join(dir, 'o.bash'), '-i'];
    using terminal = openTerminal(argv, { columns: 80, rows: 10 }, process.env, dir);
    await terminal.sees(/^ready>/m);
    terminal.type(String.raw`orchestrate logs Stream\ `);
    terminal.press('Tab');
    terminal.press('Enter');
    await terminal.sees(/^got <Stream B>$/m);
  });

  test('fish completes values of options, directories and files', { skip: isMissing('fish') }, () => {
    const fish = (line: string) => {
      const script = `source '${join(dir, 'o.fish')}'; complete -C '${line}'`;
      const { status, stdout } = run('fish', ['--no-config'], script);
      assert.equal(status, 0);
      return stdout
        .trimEnd()
        .split('\n')
        .map((each) => each.split('\t')[0]);
    };
    writeFileSync(join(dir, 'o.fish'), fishCompletion(TABLE));
    assert.deepEqual(fish('orchestrate l'), ['logs']);
    assert.deepEqual(fish('orchestrate task list --status '), ['closed', 'open']);
    assert.deepEqual(fish('orchestrate import pl'), ['plan.yaml']);
    assert.deepEqual(fish('orchestrate task list --page pl'), ['plan.yaml']);
    assert.deepEqual(fish('orchestrate logs -C fo'), ['folder/']);
  });

  test('zsh completes commands, ids, and values of options', { skip: isMissing('zsh') }, () => {
    const zsh = (...words: string[]) => {
      const script = `compdef() { :; }; _files() { print plan.yaml; }; compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -l -- "$@"; }; _describe() { print -l -- $commands; }
${zshCompletion(TABLE)}
words=(orchestrate ${words.map((word) => `'${word}'`).join(' ')}); CURRENT=$#words
_orchestrate`;
      const { status, stdout, stderr } = run('zsh', ['-f'], script);
      assert.deepEqual([status, stderr], [0, '']);
      return stdout.trimEnd().split('\n');
    };
    assert.deepEqual(zsh('')[0], "logs:a worker's log");
    assert.deepEqual(zsh('task', 'list', '--status', ''), ['open', 'closed']);
    assert.deepEqual(zsh('task', 'list', '--page', ''), ['plan.yaml'], 'files for an option');
    assert.ok(zsh('logs', '').includes('$(touch pwn)'));
    assert.deepEqual(zsh('logs', 'stream b'), ['Stream B'], 'whatever the word is short for takes its place');
    assert.deepEqual(
      zsh('logs', 'nothing'),
      [''],
      'nothing takes the place of a word that is short for nothing',
    );
    assert.ok(zsh('logs', '-').includes('--follow'));
    assert.equal(existsSync(join(dir, 'pwn')), false);
  });

  test('bash offers stream ids quoted, and runs none of them', { skip: isMissing('bash') }, () => {
    assert.deepEqual(bash('logs', 'Stream'), ['Stream-A', 'Stream\\ B']);
    assert.deepEqual(bash('logs', 'M-A'), ['Stream-A'], 'whatever the word is short for takes its place');
    const all = bash('logs', '');
    assert.ok(all.includes('\\$\\(touch\\ pwn\\)'), all.join('\n'));
    assert.equal(existsSync(join(dir, 'pwn')), false);
  });

  test('the scripts are valid in every shell that is installed', async (t) => {
    const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };
    for (const [shell, write] of Object.entries(scripts)) {
      await t.test(shell, { skip: isMissing(shell) }, () => {
        const file = join(dir, `script.${shell}`);
        writeFileSync(file, write(TABLE));
        const { status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
        assert.deepEqual([status, stderr], [0, '']);
      });
    }
  });

  test('a quote in a description stays inside its word', () => {
    assert.match(fishCompletion(TABLE), /-d 'Go on: don\\'t end\.'/);
    assert.match(zshCompletion(TABLE), /'logs:a worker'\\''s log'/);
  });
});
