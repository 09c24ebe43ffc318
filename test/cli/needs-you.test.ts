/** A stream that needs the user says so, once; and the user answers: notify.command, attach --next, send. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { ifPresent } from '../../src/files/present.ts';
import { serve } from '../support/loopback.ts';
import { until } from '../support/wait.ts';
import { createProjectRig, type ProjectRig, textAt } from '../support/worker-rig.ts';

const NOTICES = 'notices.jsonl';

/** The notices that the command wrote so far. */
function notices(rig: ProjectRig): Record<string, unknown>[] {
  return textAt(rig, NOTICES)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** The addresses at which a process takes connections, by /proc. */
function listensAt(pid: number): readonly string[] {
  const open = readdirSync(`/proc/${pid}/fd`).map((fd) =>
    ifPresent(() => readlinkSync(`/proc/${pid}/fd/${fd}`)),
  );
  const lines = ['tcp', 'tcp6'].flatMap((kind) => readFileSync(`/proc/net/${kind}`, 'utf8').split('\n'));
  return lines.flatMap((line) => {
    const [, address = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    return state === '0A' && open.includes(`socket:[${inode}]`) ? [address] : [];
  });
}

/** Its next worker says that it is stuck. */
async function blockNext(rig: ProjectRig, stream: string, why: string): Promise<void> {
  const worker = await rig.nextWorker(stream);
  await worker.sh(
    'id=$(orchestrate task list --json | grep -o "TASK-[A-Za-z0-9-]*" | head -n 1) && orchestrate task update "$id" --status blocked --blocked-reason "$1"',
    why,
  );
  worker.exit(0);
  await rig.untilState(stream, 'blocked');
}

test('send types a message into a living worker, every line as text, and says when there is none', async () => {
  await using rig = await createProjectRig({ plan: { A: [], B: ['A'] } });
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  await rig.untilState('A', 'running');
  const heard = worker.sh('head -n 3 < /dev/tty');
  const text = '/clear $(touch pwn); `id` #{pid}\n\u001b[31msecond\u001b[0m "line" ;\nthird';
  const sent = await rig.run(['send', 'A', text, 'and', 'more;']);
  assert.equal(sent.stdout, 'Sent to A\n');
  assert.equal(await heard, 'Message: /clear $(touch pwn); `id` #{pid}\nsecond "line" ;\nthird and more;');
  const fromStdin = worker.sh('head -n 1 < /dev/tty');
  const json = await rig.run(['send', 'A', '-', '--json'], 0, { input: 'from a file\n' });
  assert.deepEqual(JSON.parse(json.stdout), { schemaVersion: 1, stream: 'A', arrived: 'taken' });
  assert.equal(await fromStdin, 'from a file');
  assert.match((await rig.run(['logs', 'A'])).stdout, /you wrote: Message: \/clear/);

  const none = await rig.run(['send', 'B', 'hello'], 6);
  assert.match(none.stderr, /Not sent: no agent is running for B\n {2}fix: orchestrate status B\n/);
  assert.match((await rig.run(['send', 'A', ' \u0007 '], 2)).stderr, /no text to send/);
  assert.match((await rig.run(['send', 'A'], 2)).stderr, /text/);
  assert.match((await rig.run(['send', 'X', 'hello'], 7)).stderr, /no stream "X"/);
  const env = { ORCHESTRATE_TOKEN: 'a worker’s' };
  assert.match((await rig.run(['send', 'A', 'hi'], 5, { env })).stderr, /an agent may not type/);
  assert.match((await rig.run(['send', '--help'])).stdout, /orchestrate send Stream-B go on/);
  await poller.kill('SIGINT');
});

test('a text that the pane does not show was not seen to arrive, and is not called sent', async () => {
  await using rig = await createProjectRig();
  const poller = rig.start();
  const worker = await rig.nextWorker('A');
  await rig.untilState('A', 'running');
  await worker.sh('stty -echo < /dev/tty');
  const lost = await rig.run(['send', 'A', 'hello'], 1);
  assert.match(lost.stderr, /A was not seen to take it\n {2}fix: orchestrate attach A/);
  await poller.kill('SIGINT');
});

test('notify.command gets each event once as JSON, however many pollers look at it, and the end of all', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: [] },
    config: { notify: { tmux: true, command: `cat >> ${NOTICES}` } },
  });
  const first = rig.start();
  await blockNext(rig, 'A', 'which colour, 7 or 8?');
  await until('the notice', () => notices(rig).length > 0);
  const worker = await rig.nextWorker('B');
  await first.kill('SIGKILL');
  const second = rig.start();
  await rig.until('a poller looks again', ({ poller }) => poller.alive && poller.pid === second.child.pid);
  await worker.commit('b.txt');
  await worker.completeTasks();
  worker.exit(0);
  assert.equal((await second.end()).code, 1);
  const [asked, ended, ...more] = notices(rig);
  assert.deepEqual(more, []);
  const { at, projectRoot, remedy, ...told } = asked ?? {};
  assert.match(String(remedy), /^orchestrate \w+ /);
  assert.ok(Math.abs(Date.parse(String(at)) - Date.now()) < 3_600_000);
  assert.equal(projectRoot, rig.root);
  assert.deepEqual(told, {
    schemaVersion: 1,
    kind: 'blocked',
    workspace: 'project',
    stream: 'A',
    key: 'a',
    run: 1,
    reason: 'task blocked: which colour, 7 or 8?',
    attach: 'orchestrate attach A',
    needsYou: true,
  });
  assert.deepEqual([ended?.['kind'], ended?.['reason']], ['finished', 'nothing can go on: A blocked']);
  const events = (await rig.run(['events', '--json'])).stdout.trimEnd().split('\n');
  const ends = events.map((line) => JSON.parse(line)).filter(({ kind }) => /^(finished|stuck)$/.test(kind));
  assert.deepEqual(
    ends.map(({ kind, stream, message }) => [kind, stream, message]),
    [['stuck', null, 'nothing can go on: A blocked']],
  );
  const said = (await rig.run(['events', '--for-claude'])).stdout;
  assert.match(said, /stream a needs the user \(blocked\).*\n.*the plan needs the user \(stuck\)/);
});

test('a notify.command that fails is written down, and nothing waits for one that hangs', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: [] },
    config: { notify: { tmux: false, command: 'echo told on stderr >&2; exit 3' } },
  });
  const poller = rig.start();
  await blockNext(rig, 'A', 'stuck');
  const { events } = await rig.until('the failure', (report) =>
    report.events.some(({ kind }) => kind === 'notify-error'),
  );
  const failure = events.find(({ kind }) => kind === 'notify-error');
  assert.match(failure?.message ?? '', /failed \(exit 3\), see .*notify\.command\.log/);
  assert.match(textAt(rig, '.claude/orchestrator/logs/notify.command.log'), /told on stderr/);
  assert.equal((await poller.kill('SIGINT')).code, 130);

  rig.configure({ notify: { tmux: false, command: `echo $$ > ${NOTICES}; exec sleep 1000` } });
  rig.setTasks('A', 'pending');
  await rig.run(['retry', 'A']);
  const again = rig.start();
  await blockNext(rig, 'A', 'stuck again');
  await until('the command runs', () => textAt(rig, NOTICES) !== '');
  const worker = await rig.nextWorker('B');
  await worker.commit('b.txt');
  await worker.completeTasks();
  worker.exit(0);
  await rig.untilState('B', 'done');
  // The command would last far beyond the deadline.
  const { code } = await again.kill('SIGTERM');
  assert.equal(code, 143);
  const pid = textAt(rig, NOTICES).trim();
  await until('the command is ended with it', () => !existsSync(`/proc/${pid}`));
});

test('a preset tells the user elsewhere, does what they answer, and its secrets are in nothing that stays', async () => {
  const waiting: ServerResponse[] = [];
  let status = 200;
  await using server = await serve((call, response) => {
    response.writeHead(call.path.startsWith('/answers') ? 200 : status);
    if (!call.path.startsWith('/answers')) return void response.end('{}');
    waiting.push(response);
    response.write('{"id":"o","time":1000,"event":"open","topic":"answers-5ecret"}\n');
  });
  const config = { notify: { tmux: false, preset: 'ntfy', answers: true } };
  // While one is at work to the end, whoever is answered does not leave.
  await using rig = await createProjectRig({ plan: { A: [], B: [], Last: [] }, config });
  const env = {
    ORCHESTRATE_NOTIFY_URL: `${server.url}/notices-5ecret`,
    ORCHESTRATE_NOTIFY_ANSWERS_URL: `${server.url}/answers-5ecret`,
    ORCHESTRATE_NOTIFY_TOKEN: 'token-5ecret',
  };
  assert.match(
    (await rig.run(['doctor'], 3)).stdout,
    /notify: the preset ntfy cannot be used: its url is missing/,
  );
  const file = join(rig.cli.home, '.config/orchestrate/notify.json');
  rig.cli.write(file, JSON.stringify({ token: 'token-5ecret' }));
  chmodSync(file, 0o644);
  const unsafe = await rig.run(['doctor', '--json'], 3, { env });
  assert.match(unsafe.stdout, /others may read .*notify\.json.*"fix":"chmod 600/);
  assert.doesNotMatch(unsafe.stdout + unsafe.stderr, /5ecret/);
  rmSync(file);
  await rig.run(['start', '--detach'], 0, { env });
  const [a] = await Promise.all(['A', 'B', 'Last'].map(rig.nextWorker));
  assert.ok(a);
  await rig.until('all at work', ({ summary }) => summary.streams.running === 3);
  const answers = await until('it listens', () => waiting[0]);
  if (process.platform === 'linux') {
    assert.equal(listensAt(process.pid).length, 1, 'the server here');
    assert.deepEqual(listensAt((await rig.look()).poller.pid ?? 0), [], 'nobody can connect to it');
  }
  let number = 0;
  const write = (message: string): void => {
    number += 1;
    answers.write(
      `${JSON.stringify({ id: `m${number}`, time: 1000, event: 'message', topic: 'answers-5ecret', message })}\n`,
    );
  };
  const posts = () => server.calls.filter(({ body }) => body !== '').map(({ body }) => JSON.parse(body));
  const told = (pattern: RegExp) =>
    until(`${pattern} is told`, () => posts().find(({ message }) => pattern.test(message)));
  const heard = a.sh('head -n 1 < /dev/tty');
  write('Send A use the helper');
  assert.equal(await heard, 'use the helper');
  assert.equal((await told(/^Sent to A$/)).topic, 'notices-5ecret');
  write('park B');
  await rig.untilState('B', 'parked');
  await told(/^Parked B$/);
  write('retry B');
  await told(/^B will be tried again$/);
  await rig.nextWorker('B');
  await rig.untilState('B', 'running');
  write('STOP B');
  await told(/^Stopped B$/);
  await rig.untilState('B', 'stopped');
  write('retry nobody');
  await told(/^Not done: no stream "nobody"/);
  write('rm -rf /');
  await told(/^Not understood/);
  await a.sh(
    'id=$(orchestrate task list --json | grep -o "TASK-[A-Za-z0-9-]*" | head -n 1) && orchestrate task update "$id" --status blocked --blocked-reason why',
  );
  assert.doesNotMatch(await a.sh('env'), /5ecret/);
  a.exit(0);
  const notice = await told(/^task blocked: why/);
  assert.deepEqual([notice.title, notice.priority], ['project: A blocked', 4]);
  // A token that is refused is one warning, however much is told.
  status = 401;
  const before = posts().length;
  for (const text of ['x', 'y', 'z']) write(text);
  await until('three were tried', () => posts().length >= before + 3);
  await rig.until('it is said', ({ events }) => events.some(({ kind }) => kind === 'notify-error'));
  await rig.run(['stop']);
  const { stdout } = await rig.run(['events', '--json']);
  const warnings = stdout.split('\n').filter((line) => line.includes('"notify-error"'));
  assert.equal(warnings.length, 1, stdout);
  assert.match(
    warnings[0] ?? '',
    /notify\.preset ntfy: the server answered 401: token or address is refused/,
  );
  const found = spawnSync('grep', ['-rl', '5ecret', rig.cli.home], { encoding: 'utf8' });
  assert.equal(found.stdout, '');
});

test('attach --next goes to the stream that has waited longest, and says when nobody waits', async () => {
  await using rig = await createProjectRig({
    plan: { A: [], B: [], C: [] },
    config: { restart: { maxAttempts: 1, windowMinutes: 60, delaysSeconds: [0] } },
  });
  const poller = rig.start();
  const [a, b] = await Promise.all([rig.nextWorker('A'), rig.nextWorker('B'), rig.nextWorker('C')]);
  await rig.until('all at work', ({ summary }) => summary.streams.running === 3);
  for (const id of ['A', 'B', 'C']) await rig.untilNoted(id);
  assert.match((await rig.run(['attach', '--next'], 1)).stderr, /error: Nothing needs you\.\n/);
  assert.match(
    (await rig.run(['attach', 'A'], 3)).stderr,
    /^orchestrate: error: attaching needs a terminal: type it in one\n {2}fix: orchestrate attach A\n/,
  );
  // As after a change of tmux.socket: the agents stay where they are.
  const moved = { ...rig.cli.env, ORCHESTRATE_TMUX_SOCKET: `${rig.cli.socket}-other` };
  for (const words of [['attach'], ['attach', 'A']]) {
    const { stderr } = await rig.run(words, 6, { env: moved });
    assert.match(stderr, /agent of [ABC] lives on another tmux server, \S*, than tmux\.socket names now\n/);
    assert.match(stderr, new RegExp(`fix: tmux -S \\S*/${rig.cli.socket} attach -t '%\\d+'\n`));
  }
  b.exit(1);
  await rig.untilState('B', 'failed');
  a.exit(1);
  await rig.untilState('A', 'failed');
  const windows = rig.tmux('list-panes', '-a', '-F', '#{window_name} #{pane_id}').split('\n');
  const pane = windows.find((line) => line.startsWith('b '))?.slice(2);
  assert.ok(pane, 'the window of a failed run stays');
  const typed = join(rig.cli.home, 'attach');
  writeFileSync(typed, `exec '${process.execPath}' '${CLI_ENTRY}' attach --next\n`);
  const terminal = spawn('script', ['-q', '-c', `/bin/sh ${typed}`, '/dev/null'], {
    cwd: rig.root,
    env: rig.cli.env,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = new Promise((resolve) => terminal.once('close', resolve));
  const shown = () => rig.tmux('list-clients', '-F', '#{pane_id}').trim();
  await until('the client shows it', () => shown() === pane);
  rig.tmux('detach-client', '-a');
  rig.tmux('detach-client', '-t', rig.tmux('list-clients', '-F', '#{client_name}').trim());
  await ended;
  await poller.kill('SIGINT');
});
