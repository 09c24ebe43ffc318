/** A scripted worker: takes its stream's tasks one by one, writes files, runs the tests, commits and reports, as an agent would. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WORK } from './work.js';

/** Slow enough to be followed by eye; set to 0 for tests. */
const THINKING_MS = Number(process.env.SAMPLE_THINKING_MS ?? 400);

const say = (text) => process.stdout.write(`${text}\n`);

/** Runs a command, shows its line, returns its output. */
function run(command, ...args) {
  say(`\u001b[2m$ ${command} ${args.join(' ')}\u001b[0m`);
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

say(
  `Stream ${process.env.ORCHESTRATE_STREAM}, run ${process.env.ORCHESTRATE_RUN}, based on ${process.env.ORCHESTRATE_BASE_SHA.slice(0, 10)}`,
);
const { tasks } = JSON.parse(run('orchestrate', 'task', 'list', '--json'));
for (const task of tasks.filter((each) => each.status !== 'completed')) {
  say(`\n● ${task.title}`);
  run('orchestrate', 'task', 'update', task.id, '--status', 'in_progress');
  await sleep(THINKING_MS);
  const files = WORK[task.title];
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    run('git', 'add', '--', path);
  }
  if (Object.keys(files).some((path) => path.startsWith('test/')))
    say(
      run('npm', '--silent', 'test')
        .split('\n')
        .filter((line) => /^# (pass|fail)/.test(line))
        .join(', '),
    );
  run('git', 'commit', '--quiet', '-m', task.title);
  run(
    'orchestrate',
    'task',
    'update',
    task.id,
    '--status',
    'completed',
    '--notes',
    `wrote ${Object.keys(files).join(', ')}`,
  );
}
say('\nAll tasks of this stream are completed.');
