/**
 * Every command block of README and guide is one that can be typed as it stands. Blocks that install or start something run as
 * written, by a shell, in a throw-away copy of the project where npm and the long scripts are stand-ins that insist on what the
 * real ones need (a pack needs what `npm ci` brings, an install the file that a pack made). Lines that begin with `orchestrate`
 * need an agent, an account or a terminal: the real command line parses them, and nothing is run.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseCommandLine } from '../../src/cli/command-line.ts';
import { COMMANDS } from '../../src/commands/table.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGES = ['README.md', 'templates/ORCHESTRATION_GUIDE.md'] as const;

/** The lines of each `sh` block of a page, without comments. */
function blocksOf(page: string): string[][] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```(?:sh|bash)\n([\s\S]*?)^```$/gm)].map(([, block = '']) =>
    block
      .split('\n')
      .map((line) => line.replace(/\s+#.*$/, '').trim())
      .filter((line) => line !== ''),
  );
}

/** Words of a line as a shell would split them; only plain and double-quoted words stand in our pages. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

const isOurs = (line: string): boolean => line.startsWith('orchestrate ');
/** Run as written by the test of the plugin, with the real program. */
const isOfClaude = (line: string): boolean => line.startsWith('claude plugin ');
const isOfProject = (line: string): boolean => line.startsWith('./watch-status');

const NPM = `#!/bin/sh
case $1 in
  ci) mkdir -p node_modules ;;
  pack) [ -d node_modules ] || { echo "Cannot find package 'tsx'" >&2; exit 1; }; : > orchestrate-streams-0.0.0.tgz ;;
  install) for last; do :; done; [ -f "$last" ] || { echo "no such file: $last" >&2; exit 1; } ;;
  *) echo "unexpected: npm $*" >&2; exit 1 ;;
esac
`;

for (const page of PAGES) {
  test(`every command block of ${page} can be typed as it stands`, () => {
    const blocks = blocksOf(page);
    assert.ok(blocks.length > 0);
    for (const line of blocks.flat().filter(isOurs)) {
      const parsed = parseCommandLine(wordsOf(line).slice(1), COMMANDS);
      assert.equal(parsed.kind, 'run', line);
    }
    for (const block of blocks) {
      const script = block
        .filter((line) => !isOurs(line) && !isOfProject(line) && !isOfClaude(line))
        .join('\n');
      if (script !== '') runAsWritten(script);
    }
  });
}

/** Runs a block in a fresh copy, as whoever has just cloned the project would. */
function runAsWritten(script: string): void {
  const home = mkdtempSync(join(tmpdir(), 'orchestrate-readme-'));
  try {
    const clone = join(home, 'clone');
    mkdirSync(join(home, 'bin'), { recursive: true });
    mkdirSync(join(clone, 'scripts'), { recursive: true });
    writeFileSync(join(home, 'bin', 'npm'), NPM);
    chmodSync(join(home, 'bin', 'npm'), 0o755);
    for (const name of ['try', 'test', 'bootstrap'].filter((each) =>
      existsSync(join(ROOT, 'scripts', each)),
    )) {
      writeFileSync(join(clone, 'scripts', name), '#!/bin/sh\nexit 0\n');
      chmodSync(join(clone, 'scripts', name), 0o755);
    }
    execFileSync('/bin/sh', ['-e', '-c', script], {
      cwd: clone,
      env: { HOME: home, PATH: `${join(home, 'bin')}:${process.env['PATH']}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
