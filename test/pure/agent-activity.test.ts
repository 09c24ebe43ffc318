/** What a Claude Code worker is doing follows from registry, transcript and screen, in this order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { activityOf, needsScreen, type Sighting } from '../../src/agent/claude/activity.ts';
import { recogniseDialog } from '../../src/agent/claude/dialogs.ts';
import type { RegistryEntry } from '../../src/agent/claude/registry.ts';
import type { Report } from '../../src/agent/claude/reports.ts';
import type { TranscriptTail } from '../../src/agent/claude/transcript.ts';
import { afterLogin } from '../../src/agent/claude/turn-end.ts';

const START = 1_000_000;
const ENTRY: RegistryEntry = {
  sessionId: 'new-id',
  status: 'busy',
  waitingFor: null,
  statusAtMs: START + 10,
  startedAtMs: START,
  processStart: '1',
};
const TAIL: TranscriptTail = {
  modifiedAtMs: START + 20,
  openCall: { text: 'Bash npm test', atMs: START + 15 },
  failedCommit: null,
  apiError: null,
};
const TRUST =
  ' Quick safety check: Is this a project\n you trust?\n ❯ No, exit\n   Yes, I trust this folder\n';

function see(sighting: Partial<Sighting>): ReturnType<typeof activityOf> {
  const nothing = {
    entry: null,
    tail: null,
    screen: null,
    sessionId: 'old-id',
    startedAtMs: START,
    toolAliveAtMs: null,
    reports: [],
    nowMs: START + 5_000,
  };
  return activityOf({ ...nothing, ...sighting });
}

function report(event: Report['event'], atMs: number, part: Partial<Report> = {}): Report {
  const empty = { sessionId: null, call: null, question: null, subagent: null, background: [], again: false };
  return { event, atMs, ...empty, error: null, said: null, source: null, endReason: null, ...part };
}
const IDLE: RegistryEntry = { ...ENTRY, status: 'idle', statusAtMs: START + 1_000 };

test('busy, and a shell left in the background, are work; the call under way and the newest sign are told', () => {
  for (const status of ['busy', 'shell']) {
    const seen = see({ entry: { ...ENTRY, status }, tail: TAIL });
    assert.deepEqual(
      [seen.status, seen.doing, seen.sessionId, seen.sinceMs, seen.lastSignAtMs],
      ['busy', 'Bash npm test', 'new-id', START + 10, START + 20],
    );
  }
  assert.equal(see({ entry: ENTRY, tail: TAIL, toolAliveAtMs: START + 900 }).lastSignAtMs, START + 900);
});

test('idle is rest, unless an error of the service ended the turn', () => {
  const idle = { ...ENTRY, status: 'idle' };
  const after = (error: string, status: number | null, text: string) =>
    see({
      entry: idle,
      tail: { ...TAIL, openCall: null, apiError: { kind: 'api-error', atMs: START, error, status, text } },
    });
  assert.equal(see({ entry: idle, tail: TAIL }).status, 'idle');
  assert.equal(see({ entry: idle, tail: TAIL }).doing, null);
  assert.equal(after('invalid_request', 400, 'API Error').status, 'idle');
  assert.equal(after('server_error', 500, 'API Error').status, 'limited');
  assert.equal(after('server_error', 529, 'Overloaded').status, 'limited');
  const limited = after('rate_limit', 429, 'resets 12:30am (UTC)');
  assert.deepEqual([limited.status, limited.untilMs], ['limited', Date.parse('1970-01-01T00:30:00Z')]);
  const login = after('authentication_failed', null, 'Not logged in · Please run /login');
  assert.equal(login.status, 'waiting');
  assert.match(login.remedy ?? '', /\/login/);
  assert.equal(after('billing_error', 400, 'Credit balance is too low').status, 'waiting');
});

test('waiting says for what, and reads the screen only for a dialog that the registry does not name', () => {
  const asks = { ...ENTRY, status: 'waiting', waitingFor: 'permission prompt' };
  const seen = see({ entry: asks, tail: TAIL });
  assert.deepEqual([seen.status, seen.detail, seen.inferred], ['waiting', 'wants to run: npm test', false]);
  assert.equal(needsScreen(asks, TAIL, START), false);
  const dialog = { ...ENTRY, status: 'waiting', waitingFor: 'dialog open' };
  assert.equal(needsScreen(dialog, TAIL, START), true);
  const auto = see({ entry: dialog, tail: TAIL, screen: "Auto mode can't check actions in this session" });
  assert.match(auto.detail ?? '', /auto mode/);
  assert.equal(auto.inferred, true);
});

test('without an entry it is starting, or held up by a dialog on its screen', () => {
  assert.equal(needsScreen(null, null, START), true);
  assert.equal(see({}).status, 'starting');
  assert.equal(see({ screen: '$ claude' }).status, 'starting');
  assert.equal(see({ entry: { ...ENTRY, status: null }, screen: '' }).status, 'starting');
  const seen = see({ screen: TRUST });
  assert.deepEqual([seen.status, seen.inferred, seen.sessionId], ['waiting', true, 'old-id']);
  assert.match(seen.detail ?? '', /accept once, then \/exit$/);
  assert.equal(seen.remedy, 'claude');
});

test('a conversation that moved since the launch is never called a start, nor is its screen believed', () => {
  assert.equal(needsScreen(null, TAIL, START), false);
  assert.equal(see({ tail: TAIL, screen: TRUST }).status, 'unknown');
  const resumed = { ...TAIL, modifiedAtMs: START - 1 };
  assert.equal(needsScreen(null, resumed, START), true);
  assert.equal(see({ tail: resumed }).status, 'starting');
  assert.equal(see({ tail: resumed }).lastSignAtMs, null);
});

test('a status of a later version is unknown, not rest', () => {
  assert.equal(see({ entry: { ...ENTRY, status: 'dreaming' } }).status, 'unknown');
});

test('every known dialog is recognised across line breaks, and ordinary screens are none', () => {
  const screens = [
    'Choose the text style that looks best',
    'Unable to connect to Anthropic\nservices',
    'Select login method:',
    TRUST,
    'New MCP server found in this project',
    'Detected a custom API key in\n your environment',
    'WARNING: Claude Code running in Bypass Permissions mode',
  ];
  const details = screens.map((screen) => recogniseDialog(screen)?.detail);
  assert.equal(new Set(details).size, screens.length, String(details));
  assert.equal(details.includes(undefined), false);
  assert.equal(recogniseDialog('❯ \n  ⏵⏵ bypass permissions on (shift+tab to cycle)'), null);
});

test('a request for permission says for what, before the registry does and after; a question is told', () => {
  const asks = report('PermissionRequest', START + 50, { call: 'Bash npm publish' });
  const early = see({ entry: ENTRY, reports: [report('PreToolUse', START + 40), asks] });
  assert.deepEqual(
    [early.status, early.detail, early.sinceMs],
    ['waiting', 'wants to run: npm publish', START + 50],
  );
  const entry = { ...ENTRY, status: 'waiting', waitingFor: 'permission prompt', statusAtMs: START + 60 };
  assert.equal(see({ entry, reports: [asks] }).detail, 'wants to run: npm publish');
  const question = { ...asks, question: 'Which colour?' };
  assert.equal(see({ entry, reports: [question] }).detail, 'asks: "Which colour?"');
  const edits = { ...asks, call: 'Edit src/a.ts', subagent: 'helper' };
  assert.equal(see({ entry, reports: [edits] }).detail, 'wants to use: Edit src/a.ts (subagent helper)');
  assert.equal(
    see({ entry, tail: TAIL }).detail,
    'wants to run: npm test',
    'without a report, by its open call',
  );
  const answered = { ...ENTRY, statusAtMs: START + 70 };
  assert.equal(see({ entry: answered, reports: [asks] }).status, 'busy');
});

test('a stop with work in the background is not rest, and one without is', () => {
  const stop = report('Stop', START + 900, { background: ['subagent (look around)'] });
  const seen = see({ entry: IDLE, reports: [report('UserPromptSubmit', START + 100), stop] });
  assert.equal(seen.status, 'busy');
  assert.match(seen.doing ?? '', /background: subagent \(look around\)/);
  const registered = see({ entry: { ...IDLE, status: 'shell' }, reports: [stop] });
  assert.deepEqual([registered.status, registered.doing], ['busy', seen.doing]);
  assert.equal(see({ entry: IDLE, reports: [report('Stop', START + 900)] }).status, 'idle');
});

test('idle without a report of the end of its turn is an interrupt by the user, once a late report is out of question', () => {
  const begun = [report('Stop', START + 20), report('UserPromptSubmit', START + 100)];
  const seen = see({ entry: IDLE, reports: begun });
  assert.equal(seen.status, 'waiting');
  assert.match(seen.detail ?? '', /^interrupted by you/);
  assert.equal(see({ entry: IDLE, reports: begun, nowMs: START + 1_500 }).status, 'busy');
  assert.equal(
    see({ entry: { ...IDLE, statusAtMs: START + 50 }, reports: begun }).status,
    'busy',
    'not begun yet',
  );
});

test('idle before the prompt was submitted is the start, also of a conversation that goes on', () => {
  const started = [report('SessionStart', START + 1)];
  const seen = see({ entry: IDLE, tail: TAIL, reports: started });
  assert.deepEqual([seen.status, seen.sinceMs], ['starting', START]);
  assert.equal(see({ entry: IDLE }).status, 'starting', 'no hook has told anything yet');
  assert.equal(see({ entry: IDLE, tail: TAIL }).status, 'idle', 'hooks that never tell anything');
  assert.equal(see({ entry: IDLE, reports: [...started, report('Stop', START + 9)] }).status, 'idle');
});

test('a conversation that the user cleared is not rest: what we would say means nothing to it', () => {
  const cleared = report('SessionStart', START + 500, { source: 'clear' });
  const before = [report('UserPromptSubmit', START + 100), report('Stop', START + 400)];
  const seen = see({ entry: IDLE, reports: [...before, cleared] });
  assert.deepEqual([seen.status, seen.inferred], ['waiting', false]);
  assert.match(seen.detail ?? '', /conversation was cleared/);
  const typed = report('UserPromptSubmit', START + 600, {});
  assert.equal(
    see({ entry: { ...IDLE, status: 'busy' }, reports: [...before, cleared, typed] }).status,
    'busy',
  );
  assert.equal(see({ entry: IDLE, reports: [cleared, typed, report('Stop', START + 700)] }).status, 'idle');
  const compacted = { ...cleared, source: 'compact' };
  assert.equal(see({ entry: IDLE, reports: [...before, compacted] }).status, 'idle');
});

test('a turn that failed is told by its report, also before the transcript has it', () => {
  const failed = (error: string, said: string) =>
    see({
      entry: IDLE,
      reports: [report('UserPromptSubmit', START), report('StopFailure', START + 900, { error, said })],
    });
  const limited = failed('rate_limit', 'resets 12:30am (UTC)');
  assert.deepEqual([limited.status, limited.untilMs], ['limited', Date.parse('1970-01-01T00:30:00Z')]);
  assert.equal(failed('server_error', 'API Error: 500').status, 'limited');
  assert.match(failed('authentication_failed', 'Please run /login').remedy ?? '', /login/);
  assert.equal(failed('invalid_request', 'no').status, 'idle');
});

test('without a registry the reports alone tell', () => {
  const statusAfter = (...reports: Report[]) => see({ reports }).status;
  assert.equal(statusAfter(report('SessionStart', START + 1)), 'starting');
  assert.equal(statusAfter(report('UserPromptSubmit', START + 2)), 'busy');
  assert.equal(
    statusAfter(report('PreToolUse', START + 3), report('PermissionRequest', START + 4)),
    'waiting',
  );
  assert.equal(statusAfter(report('PreToolUse', START + 3), report('Stop', START + 4)), 'idle');
  assert.equal(
    statusAfter(report('Stop', START + 4), report('PreToolUse', START + 5, { subagent: 'x' })),
    'idle',
  );
});

test('an agent whose login expired may go on once someone has logged in, but not into an open dialog', () => {
  const entry = { ...ENTRY, status: 'idle' };
  const error = { kind: 'api-error', atMs: START, status: 401, text: 'Please run /login' } as const;
  const expired = see({
    entry,
    tail: { ...TAIL, openCall: null, apiError: { ...error, error: 'authentication_failed' } },
  });
  assert.deepEqual([expired.status, expired.account], ['waiting', true]);
  assert.equal(afterLogin(expired, START + 9), expired, 'written before it expired');
  assert.equal(afterLogin(expired, null), expired);
  const since = afterLogin(expired, START + 11);
  assert.deepEqual([since.status, since.account, since.untilMs], ['limited', false, null]);
  assert.match(since.detail ?? '', /run \/login; someone has logged in since$/);
  const asked = { ...expired, dialog: 'other' as const };
  assert.equal(afterLogin(asked, START + 11), asked);
  const busy = see({ entry: ENTRY, tail: TAIL });
  assert.equal(afterLogin(busy, START + 11), busy);
});

test('a limit behind its dialog is a limit, and any other dialog a question; both are known for dialogs', () => {
  const entry = { ...ENTRY, status: 'waiting', waitingFor: 'dialog open', statusAtMs: START + 1_000 };
  const ended = (error: string) => [
    report('UserPromptSubmit', START),
    report('StopFailure', START + 900, { error, said: "You've hit your limit · resets Jan 3, 2am (UTC)" }),
  ];
  const limited = see({ entry, reports: ended('rate_limit') });
  assert.deepEqual(
    [limited.status, limited.dialog, limited.untilMs],
    ['limited', 'other', Date.parse('1970-01-03T02:00:00Z')],
  );
  const other = see({ entry, reports: ended('invalid_request') });
  assert.deepEqual([other.status, other.dialog], ['waiting', 'other']);
  const asks = see({ entry: ENTRY, reports: [report('PermissionRequest', START + 50, { call: 'Bash x' })] });
  assert.deepEqual([asks.status, asks.dialog], ['waiting', 'permission']);
  assert.equal(see({ screen: TRUST }).dialog, 'other');
  const interrupted = see({ entry: IDLE, reports: [report('UserPromptSubmit', START + 100)] });
  assert.deepEqual([interrupted.status, interrupted.dialog], ['waiting', null]);
});
