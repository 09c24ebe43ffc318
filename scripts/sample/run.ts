/** Runs the main job on a throw-away repository: init, import, start; then shows what became of it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
/** A tmux server of this run alone, so that nothing of the user's, or of another run, is touched; or the one that was asked for. */
const GIVEN = process.env['ORCHESTRATE_TMUX_SOCKET'] || null;
const SOCKET = GIVEN ?? `orchestrate-try-${process.pid}`;

const { values } = parseArgs({
  options: { agent: { type: 'string', default: 'scripted' }, dir: { type: 'string' } },
});
if (values.agent !== 'scripted' && values.agent !== 'claude') {
  process.stderr.write(
    `try: error: unknown agent ${JSON.stringify(values.agent)}\n  fix: --agent scripted, or --agent claude\n`,
  );
  process.exit(2);
}

const top = mkdtempSync(join(values.dir ?? tmpdir(), 'orchestrate-try-'));
const repository = join(top, 'converter');
const env = { ...process.env, TASK_DB_PATH: join(top, 'tasks'), WORKSPACE_ID: 'converter' };
const say = (text: string): void => void process.stdout.write(`${text}\n`);

function orchestrate(...args: string[]): number {
  say(`\n$ orchestrate ${args.join(' ')}`);
  return spawnSync(process.execPath, [CLI, ...args], { cwd: repository, env, stdio: 'inherit' }).status ?? 1;
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: repository, encoding: 'utf8' });
}

/** The sample as a repository with one commit. */
function makeRepository(): void {
  cpSync(join(HERE, 'repository'), repository, { recursive: true });
  git('init', '--quiet', '--initial-branch=main');
  git('config', 'user.name', 'orchestrate sample');
  git('config', 'user.email', 'sample@orchestrate.invalid');
  git('add', '--all');
  git('commit', '--quiet', '--message=Begin the converter');
  cpSync(join(HERE, 'plan.yaml'), join(top, 'plan.yaml'));
}

/** The sample's own settings: the scripted worker (or Claude Code), a private tmux server, and a gate. */
function configure(): void {
  const scripted = { kind: 'custom', command: process.execPath, args: [join(HERE, 'agent.js')] };
  const config = {
    agent: values.agent === 'claude' ? { kind: 'claude', permissions: 'acceptEdits' } : scripted,
    gates: [{ name: 'test', command: 'npm test', timeoutSeconds: 60 }],
    finishedWindows: 'keep',
    tmux: { socket: SOCKET },
  };
  writeFileSync(
    join(repository, '.claude', 'orchestrator', 'config.json'),
    `${JSON.stringify(config, null, 2)}\n`,
  );
}

/** What `start` exits with when the machine lacks something: nothing was begun. */
const ENVIRONMENT = 3;

const again = (command: string): string =>
  `cd ${repository} && TASK_DB_PATH=${env.TASK_DB_PATH} .claude/orchestrator/orchestrate ${command}`;

function closing(code: number): void {
  process.exitCode = code;
  if (code === ENVIRONMENT) {
    say(`\nNothing was started. When that is fixed: ${again('start')}`);
    say(`Clean up: rm -rf ${top}`);
    return;
  }
  if (code === 0) process.exitCode = orchestrate('merge') || orchestrate('clean');
  say('\nThe merged history:\n');
  say(git('log', '--graph', '--oneline', '--decorate', '--branches'));
  if (values.agent === 'scripted') {
    say('The agent here was scripted: it stands in for the model only; everything else was real.');
    say('With Claude Code:   scripts/try --agent claude');
  }
  // Where all has landed, the agents' windows went with their worktrees.
  if (process.exitCode === 0) say(`What was done:       ${again('report')}`);
  else say(`Look at the windows: ${again('attach')}        (Ctrl-b n: next window, Ctrl-b d: leave)`);
  say(`The repository:      ${again('status')}`);
  const end = GIVEN === null ? `tmux -L ${SOCKET} kill-server` : again('stop');
  say(`Clean up:            ${end}; rm -rf ${top}`);
}

say(`A throw-away repository in ${repository}, four streams of a diamond, and an agent for each.`);
makeRepository();
const prepared = orchestrate('init', '--yes');
if (prepared !== 0) process.exit(prepared);
configure();
const imported = orchestrate('import', join(top, 'plan.yaml'));
if (imported !== 0) process.exit(imported);
closing(orchestrate('start'));
