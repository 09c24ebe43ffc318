/** What a failed command prints: nothing that a message quotes may act on the terminal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorReportOf } from '../../src/cli/error-report.ts';
import { EXIT, OrchestrateError } from '../../src/core/errors.ts';

test('terminal sequences in message and remedy are left out, in one byte or two, and the rest stays on one line', () => {
  const hostile = 'a\u001b[31mred\u009b2Jb\u202e\u001b]0;title\u0007c\nd';
  const { stderr, stdout, exitCode } = errorReportOf(new OrchestrateError(EXIT.refused, hostile, hostile), {
    json: true,
    verbose: false,
  });
  assert.equal(stderr, 'orchestrate: error: aredbc d\n  fix: aredbc d\n');
  assert.deepEqual(JSON.parse(stdout).error, { code: 'refused', message: 'aredbc d', fix: 'aredbc d' });
  assert.equal(exitCode, 5);
});

test('what the system refuses is a matter of the machine, with its remedy; anything else is unexpected', () => {
  const told = (code: string) =>
    errorReportOf(Object.assign(new Error(`${code}: no`), { code }), { json: false, verbose: false });
  for (const code of ['EMFILE', 'ENOSPC', 'EROFS', 'EACCES', 'EIO', 'ESTALE', 'EFBIG']) {
    assert.equal(told(code).exitCode, EXIT.environment, code);
    assert.doesNotMatch(told(code).stderr, /unexpected|--verbose/, code);
  }
  const unmade = { code: 'ENOENT', syscall: 'mkdir', path: "/a/it's" };
  const { exitCode, stderr } = errorReportOf(Object.assign(new Error('ENOENT: no'), unmade), {
    json: false,
    verbose: false,
  });
  assert.equal(exitCode, EXIT.environment);
  assert.equal(stderr, "orchestrate: error: ENOENT: no\n  fix: mkdir -p '/a/it'\\''s'\n");
  assert.match(told('ENOENT').stderr, /unexpected/);
  assert.match(
    told('EOTHER').stderr,
    /^orchestrate: error: unexpected: EOTHER: no\n {2}fix: run it again with --verbose/,
  );
});
