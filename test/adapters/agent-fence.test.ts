/** The fence around a run, by the very script that Claude Code asks: what it refuses, and that it refuses nothing else. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FENCE_SCRIPT, fenceHook } from '../../src/agent/claude/fence-script.ts';

let root = '';
let main = '';
let own = '';
let other = '';

describe('agent fence', () => {
  before(() => {
    root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'orchestrate-fence-')));
    main = path.join(root, 'my app');
    own = path.join(main, '.claude', 'worktrees', 'stream-a');
    other = path.join(main, '.claude', 'worktrees', 'stream-b');
    const git = (...args: string[]): void => void execFileSync('git', args, { stdio: 'pipe' });
    git('init', '-q', '-b', 'main', main);
    git('-C', main, '-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty', '-m', 'x');
    git('-C', main, 'worktree', 'add', '-q', own, '-b', 'a');
    git('-C', main, 'worktree', 'add', '-q', other, '-b', 'b');
    mkdirSync(path.join(own, 'src'));
    mkdirSync(path.join(main, 'node_modules'));
    mkdirSync(path.join(root, 'scratch'));
    symlinkSync(path.join(main, 'node_modules'), path.join(own, 'node_modules'));
    symlinkSync('../../../README.md', path.join(own, 'link.md'));
    mkdirSync(path.join(other, 'src'));
    symlinkSync('../stream-b', path.join(own, 'beside'));
    writeFileSync(path.join(root, 'fence'), FENCE_SCRIPT);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  type Asked = { readonly refused: boolean; readonly text: string };

  /** Asks as Claude Code does: the hook's command, the call on stdin. Refused is exit 2 with a text. */
  function ask(input: string, env: Readonly<Record<string, string>> = {}): Asked {
    const [hook] = (fenceHook() as { hooks: { command: string }[] }).hooks;
    const result = spawnSync('/bin/sh', ['-c', hook?.command ?? ''], {
      input,
      encoding: 'utf8',
      cwd: own,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: '/nobody',
        TMPDIR: root,
        ORCHESTRATE_FENCE: path.join(root, 'fence'),
        ORCHESTRATE_WORKTREE: own,
        ORCHESTRATE_PROJECT: main,
        ...env,
      },
    });
    assert.ok(result.status === 0 || result.status === 2, `status ${result.status}: ${result.stderr}`);
    return { refused: result.status === 2, text: result.stderr };
  }

  const call = (tool: string, input: object, cwd = own): string =>
    JSON.stringify({
      session_id: 's',
      cwd,
      hook_event_name: 'PreToolUse',
      tool_name: tool,
      tool_input: input,
    });
  const edits = (file: string, tool = 'Write'): boolean =>
    ask(call(tool, tool === 'NotebookEdit' ? { notebook_path: file } : { file_path: file, content: 'x' }))
      .refused;
  const runs = (command: string, cwd = own): boolean =>
    ask(call('Bash', { command, description: 'x' }, cwd)).refused;

  test('an edit outside the worktree and the temporary directory is refused, by every way of writing it', () => {
    const refused = [
      path.join(main, 'README.md'),
      path.join(other, 'src', 'new', 'x.ts'),
      path.join(main, '.git', 'config'),
      `${own}/../stream-b/x`,
      '../../../README.md',
      path.join(own, 'node_modules', 'x', 'index.js'),
      path.join(own, 'link.md'),
      '/etc/hosts',
      '~/.bashrc',
      `${main}/.claude/worktrees/new/x`,
      'src/../../stream-b/x',
      './../stream-b/./src/new.ts',
      'beside/x',
      'beside/src/deep/er/x',
    ];
    assert.deepEqual(
      refused.filter((file) => !edits(file)),
      [],
    );
    for (const tool of ['Edit', 'MultiEdit', 'NotebookEdit'])
      for (const file of [path.join(main, 'x.ipynb'), '../stream-b/x.ipynb', 'beside/x.ipynb'])
        assert.ok(edits(file, tool), `${tool} ${file}`);
    assert.equal(edits('src/x.ipynb', 'NotebookEdit'), false);
  });

  test('an edit inside the worktree or the temporary directory is let through', () => {
    const passed = [
      path.join(own, 'a.ts'),
      path.join(own, 'src', 'not', 'there', 'yet.ts'),
      `${own}/src/../b.ts`,
      'relative.ts',
      // Claude Code takes .. by the letter, before it looks for links.
      'node_modules/../README.md',
      path.join(own, 'a "quoted" \\ ü name.ts'),
      '/tmp/x',
      path.join(root, 'scratch', 'x'),
    ];
    assert.deepEqual(passed.filter(edits.bind(null) as (file: string) => boolean), []);
  });

  test("Claude Code's own plans are let through, there already or not, and nothing else beside them", () => {
    const config = path.join(path.dirname(main), 'outside');
    const asks = (file: string, env: Readonly<Record<string, string>>): boolean =>
      ask(call('Write', { file_path: file, content: 'x' }), { TMPDIR: '/var/tmp', ...env }).refused;
    // Not below the temporary directory, where everything is let through.
    mkdirSync('.cache', { recursive: true });
    const home = mkdtempSync(path.resolve('.cache', 'fence-home-'));
    try {
      const plans = path.join(home, '.claude', 'plans');
      const environments = [{ HOME: home }, { HOME: config, CLAUDE_CONFIG_DIR: path.join(home, '.claude') }];
      for (const there of [false, true]) {
        if (there) mkdirSync(plans, { recursive: true });
        for (const env of environments) {
          assert.equal(asks(path.join(plans, 'a-plan.md'), env), false, `${there}`);
          assert.equal(asks(path.join(plans, '..', 'settings.json'), env), true, `${there}`);
          assert.equal(asks(path.join(home, '.claude', 'plans.md'), env), true, `${there}`);
        }
      }
      symlinkSync(path.join(main, 'README.md'), path.join(plans, 'link.md'));
      assert.equal(asks(path.join(plans, 'link.md'), { HOME: home }), true, 'a link to the main checkout');
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });

  test('a git command aimed at the main checkout or another worktree is refused', () => {
    const m = `'${main}'`;
    const commands = [
      `git -C ${m} status`,
      `git -C "${main}" commit -am x`,
      `cd ${m} && git add -A`,
      `cd ${m}; git log | head`,
      `cd ../../.. && git status`,
      `cd ${own.replaceAll(' ', '\\ ')} && cd ../stream-b && git commit -m "x y"`,
      `git --git-dir=${m}/.git log`,
      `git --git-dir ${m}/.git --work-tree ${m} checkout .`,
      `GIT_DIR=${m}/.git git log`,
      `export GIT_WORK_TREE=${m}; npm test; git checkout .`,
      `cd ${m} || true; git status`,
      `npm test && (cd ${m} && git pull)`,
      `if true; then cd ${m} && git push; fi`,
      `bash -lc "cd ${m} && git status"`,
      `echo $(git -C ${m} rev-parse HEAD)`,
      `X="$(cd ${m} && git rev-parse HEAD)"; echo $X`,
      `timeout 30 git -C ${m} fetch`,
      `env A=1 /usr/bin/git -C ${m} status`,
      'git -C "$ORCHESTRATE_PROJECT" status',
      `cat <<'EOT' > notes\nhello\nEOT\ngit -C ${m} status`,
      `git worktree remove ../stream-b`,
      `git \\\n  -C ${m} status`,
      'git -C node_modules status',
      'cd .. && git status',
      'cd ..&&git add .',
      'cd ..\ngit status',
      'cd ../..; cd ..; git stash',
      'cd src/../.. && git status',
      '{ cd ..; git status; }',
      'cd "$PWD/.." && git status',
      'cd -- "../stream-b" && git commit -am x',
      "pushd '../stream-b' && git commit -am x",
      'cd beside && git commit -am x',
      'cd beside/src && git add .',
      'git -C .. status',
      'git -C ".." -C stream-b status',
      "git -C '../../..' add -A",
      'git -C ..\\/stream-b status',
      'git "-C" "../stream-b/src" add .',
      '"git" -C ../stream-b status',
      'git --no-pager -c a.b=c -C ../stream-b log',
      'git -C beside commit -am x',
      'git -C node_modules/.. status',
      'git -C beside/src/.. status',
      'git --git-dir=../../../.git log',
      'git --git-dir="../stream-b/.git" log',
      "git --work-tree='../../..' checkout .",
      'git --git-dir ../../../.git log',
      'GIT_DIR=../../../.git git log',
      `GIT_DIR="${main}/.git" GIT_WORK_TREE="${main}" git checkout .`,
      "env GIT_DIR='../stream-b/.git' git log",
      'env -u GIT_EDITOR GIT_DIR=../stream-b/.git git log',
      'nice -n 10 git -C ../stream-b gc',
      'GIT_DIR=../../../.git; export GIT_DIR; git log',
      'export GIT_DIR=../../../.git && git log',
      'declare -x GIT_DIR=../../../.git; git log',
      'find . -name x | xargs -0 -n 1 git -C ../stream-b add',
      'GIT_DIR=../stream-b/.git timeout -s KILL 30 git log',
      'sudo -n git -C ../stream-b gc',
      'cd beside && git -C .. status',
    ];
    assert.deepEqual(
      commands.filter((command) => !runs(command)),
      [],
    );
    assert.ok(runs('git status', main), 'where an earlier cd has led');
  });

  test('what is no such command, or is not surely one, is let through', () => {
    const m = `'${main}'`;
    const commands = [
      'git status && git commit -m "do not touch"',
      `git commit -m "cd ${main} && git status"`,
      `echo 'git -C ${main} status'`,
      `cat <<EOT > notes.md\ncd ${main} && git status\nEOT\ngit add notes.md`,
      `cat <<-'E' > x\n\tgit -C ${main} log\n\tE\ngit status`,
      `ls ${m}; cat ${m}/README.md; grep -r git ${m}`,
      `cd ${m} && npm test`,
      `(cd ${m} && ls); git status`,
      `test -d src || cd ${m}; git status`,
      'git -C "$SOMEWHERE" status',
      'cd $(mktemp -d) && git init && git status',
      `git -C ${path.join(root, 'scratch')} init`,
      `git --git-dir=.git status`,
      `# git -C ${main} status\ngit log`,
      'git -C /usr status',
      'cd src && cd .. && git status',
      'git -C src/.. status',
      'git -C . -C src log',
      'cd .. && ls && cd stream-a && git status',
      '(cd ..; ls); git status',
      `cd "${own}/src" && git add .`,
      `GIT_DIR="${own}/.git" git log`,
      'GIT_DIR=../../../.git; git log',
      'env -u GIT_EDITOR git commit -m x',
      'git add beside node_modules',
      'nice -n 10 git gc',
      'ls | xargs git add',
      `cd ${m} && command -v git`,
      'export GIT_DIR=../../../.git; unset GIT_DIR; git log',
      `for d in ${m}; do git -C $d status; done`,
      'git log --format="%H %s" -- src/*.ts',
      "git commit -m 'it'\\''s done; cd /'",
      `git -C ${m}/not-there status`,
      'git diff $(git merge-base main HEAD)..HEAD',
      "git commit -m \"$(cat <<'EOF'\nAdd it (really)\n\nWith `code` and a lone ' quote\nEOF\n)\"",
    ];
    assert.deepEqual(
      commands.filter((command) => runs(command)),
      [],
    );
  });

  test('the refusal says what was refused and where work belongs', () => {
    const { text } = ask(
      call('Edit', { file_path: path.join(main, 'a.ts'), old_string: 'x', new_string: 'y' }),
    );
    assert.match(
      text,
      /^orchestrate: refused: this edit reaches .*a\.ts \(the main checkout\)\. Your work belongs in .*stream-a/,
    );
    assert.equal(text.trim().split('\n').length, 1);
  });

  test('whatever goes wrong with the fence lets the tool be', () => {
    const stray = call('Write', { file_path: path.join(main, 'x'), content: 'x' });
    assert.equal(ask(stray).refused, true);
    const broken: Readonly<Record<string, string>>[] = [
      { ORCHESTRATE_FENCE: '/not/there' },
      { ORCHESTRATE_WORKTREE: '/not/there' },
      { ORCHESTRATE_PROJECT: '' },
      { PATH: '/not/there' },
    ];
    assert.deepEqual(
      broken.filter((env) => ask(stray, env).refused),
      [],
    );
    for (const input of [
      '',
      '{',
      'null',
      stray.slice(0, 80),
      '{"tool_name":"Bash"}',
      call('Bash', { command: 7 }),
    ])
      assert.equal(ask(input).refused, false, input);
    writeFileSync(path.join(root, 'broken'), 'if then (');
    assert.equal(ask(stray, { ORCHESTRATE_FENCE: path.join(root, 'broken') }).refused, false);
  });

  test('what is written is not looked at, however it looks and however much it is', () => {
    const content =
      `","file_path":"${main}/x","tool_name":"Bash","command":"git -C ${main} status" \\" {{{ `.repeat(
        20_000,
      );
    assert.equal(ask(call('Write', { content, file_path: path.join(own, 'x') })).refused, false);
    assert.equal(ask(call('Write', { content, file_path: path.join(main, 'x') })).refused, true);
    const nested = JSON.stringify({
      tool_input: { file_path: path.join(own, 'x'), edits: [{ file_path: main }] },
      cwd: own,
      tool_name: 'MultiEdit',
    });
    assert.equal(ask(nested).refused, false);
  });
});
