/**
 * From nothing to a finished plan with the plugin alone: a home in which nothing was ever installed, Node with an SQLite of its
 * own, git, tmux and the real Claude Code. What is typed to install it is what the README says.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PACKAGE_ROOT } from '../../src/app/package-root.ts';
import type { StatusReport } from '../../src/report/types.ts';
import { type CliRig, createCliRig } from '../support/cli-rig.ts';
import { otherNode } from '../support/other-node.ts';
import { copyPlugin } from '../support/plugin-version.ts';
import { until } from '../support/wait.ts';
import { createClaudeHome } from './support/home.ts';
import { installClaude } from './support/install.ts';
import { type ModelServer, type Rule, type Step, startModelServer, textOf } from './support/model-server.ts';
import { enter, openPane, shows } from './support/pane.ts';
import { adviceOfTheGuide, toolAnswers, toolCall } from './support/planning.ts';
import { bash } from './support/scene.ts';

const PREFIX = 'mcp__plugin_orchestrate_task-copilot__';
const LAUNCHER = '.claude/orchestrator/orchestrate';

/** What the planning session and the agent of the one stream say, in the order of what they are told. */
function script(server: ModelServer): readonly Rule[] {
  const call = (tool: string, input: object = {}): Step => toolCall(server, tool, input, PREFIX);
  const plan = {
    description: 'Plan',
    subagent_type: 'orchestrate:ta',
    prompt: '(plan it)',
    run_in_background: false,
  };
  const metadata = { streamId: 'Ask', streamName: 'Ask', dependencies: [], acceptanceCriteria: ['it works'] };
  return [
    {
      match: '<arguments>\ngenerate',
      steps: [
        call('initiative_link', { initiativeId: 'init-greeting', title: 'Greeting', description: 'Greet' }),
        { tool: 'Agent', input: plan },
        { text: 'The planner is at work.' },
        call('prd_list', { initiativeId: 'init-greeting' }),
        call('stream_list'),
        bash('orchestrate plan'),
        bash('orchestrate init'),
        { text: 'Next: Run /orchestrate start' },
      ],
    },
    {
      match: '(plan it)',
      steps: [
        call('prd_create', { title: 'Greeting', content: '# In full', metadata: { scopeLocked: false } }),
        call('task_create', { title: 'Greet', prdId: '$prd', assignedAgent: 'me', metadata }),
        { text: 'One stream.' },
      ],
    },
    {
      match: '<arguments>\nstart',
      steps: [bash('orchestrate start --detach'), bash('orchestrate status'), { text: 'It is started.' }],
    },
    {
      match: 'the stream `Ask`',
      steps: [
        bash('sh make.sh'),
        { text: 'Shall I greet in English?' },
        { text: 'Shall I greet in English?' },
      ],
    },
    {
      match: /orchestrate event.*wants to run/,
      steps: [
        bash('orchestrate send ask "Yes"'),
        { text: 'An agent asks for a permission: it is yours to give.' },
      ],
    },
    {
      match: /orchestrate event.*Shall I greet/,
      steps: [bash('orchestrate send ask "Yes, greet in English."'), { text: 'It was answered.' }],
    },
    { match: /orchestrate event.*the plan finished/, steps: [{ text: 'The whole plan is finished.' }] },
    {
      match: 'Yes, greet in English.',
      steps: () => [
        bash('git commit -q --allow-empty -m Greet'),
        bash(`orchestrate task update ${taskIn(server)} --status completed`),
        { text: 'Done.' },
      ],
    },
  ];
}

/** The task that the planner made, by what the tool answered. */
function taskIn(server: ModelServer): string {
  return /TASK-[\w-]+/.exec(toolAnswers(server).join('\n'))?.[0] ?? 'none';
}

/** The commands of the README's first block about the plugin. */
function linesOfReadme(): string[] {
  const readme = readFileSync(join(PACKAGE_ROOT, 'README.md'), 'utf8');
  const block = /```sh\n(claude plugin [\s\S]*?)```/.exec(readme)?.[1] ?? assert.fail('no such block');
  return block
    .split('\n')
    .map((line) => line.replace(/ +#.*/, ''))
    .filter((line) => line !== '');
}

/** The command lines of all that runs. */
const processes = (): string => execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });

async function createMachine(): Promise<
  CliRig & { server: ModelServer; claude: string; marketplace: string }
> {
  const rig = await createCliRig();
  const rules: Rule[] = [];
  const server = await startModelServer(rules);
  rules.push(...script(server));
  const tools = join(rig.home, 'tools');
  mkdirSync(tools);
  symlinkSync(await otherNode(), join(tools, 'node'));
  symlinkSync(await installClaude(), join(tools, 'claude'));
  const home = createClaudeHome({ modelUrl: server.url, trusted: [rig.root] });
  const env: Record<string, string> = { ...rig.env, ...home.env, PATH: `${tools}:/usr/bin:/bin` };
  delete env['TASK_DB_PATH'];
  // On a busy machine Claude Code may run a login shell, for which the system sets PATH.
  writeFileSync(join(home.home, '.profile'), `PATH='${tools}':"$PATH"\n`);
  const marketplace = join(rig.home, 'marketplace');
  for (const part of ['plugin', '.claude-plugin'])
    cpSync(join(PACKAGE_ROOT, part), join(marketplace, part), { recursive: true });
  const dispose = rig[Symbol.asyncDispose];
  return {
    ...rig,
    ...{ env, server, claude: join(tools, 'claude'), marketplace },
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await dispose();
      // What runs from the home writes there at its end: its compiled code.
      await until('the end of what runs from the home', () => !processes().includes(`${home.home}/`));
      home.remove();
    },
  };
}

/** Brings the marketplace's next version over, as its user does while the plan is at work; returns the directory it is installed in. */
function update(machine: Awaited<ReturnType<typeof createMachine>>, version: string): string {
  const plugin = join(machine.marketplace, 'plugin');
  const next = copyPlugin(plugin, join(machine.home, 'next'), version);
  rmSync(plugin, { recursive: true });
  renameSync(next, plugin);
  const { env, claude, root: cwd } = machine;
  for (const words of ['marketplace update orchestrate-streams', 'update orchestrate@orchestrate-streams'])
    execFileSync(claude, ['plugin', ...words.split(' ')], { cwd, env });
  const list = readFileSync(join(env['HOME'] ?? '', '.claude/plugins/installed_plugins.json'), 'utf8');
  const [installed] = JSON.parse(list).plugins['orchestrate@orchestrate-streams'];
  assert.equal(installed.version, version);
  return installed.installPath;
}

test('with the plugin alone: installed, planned, started, told of what an agent asks, answered, finished', async () => {
  await using machine = await createMachine();
  const { env, claude, server } = machine;
  const at = (cwd: string, file: string, ...args: string[]): string =>
    execFileSync(file, args, { cwd, env, encoding: 'utf8' });
  at(machine.marketplace, claude, 'plugin', 'validate', '--strict', './plugin');
  at(machine.marketplace, claude, 'plugin', 'validate', '--strict', '.');
  for (const line of linesOfReadme()) at(machine.marketplace, '/bin/sh', '-c', line);

  machine.write('.claude/settings.local.json', JSON.stringify(adviceOfTheGuide()));
  await using _ = {
    [Symbol.asyncDispose]: async () => {
      await pane.close();
      await until('the end of what the killed session ran', () => !processes().includes(machine.marketplace));
    },
  };
  const pane = await openPane([claude, '--permission-mode', 'manual'], { cwd: machine.root, env });
  await shows(pane, 'manual mode on');
  await enter(pane, '/orchestrate generate Greet people');
  await shows(pane, 'Next: Run /orchestrate start');
  const launcher = machine.read(LAUNCHER);
  assert.ok(launcher.includes(join(env['HOME'] ?? '', '.local/share/orchestrate/')), launcher);
  for (const brought of ['.claude/commands/orchestrate.md', '.mcp.json'])
    assert.ok(!existsSync(join(machine.root, brought)), `the plugin brings ${brought}`);
  assert.match(
    toolAnswers(server).join('\n'),
    /Stream Dependency Structure[\s\S]*Orchestrator files created/,
  );

  const agent = { permissions: 'manual', attended: true };
  machine.write('.claude/orchestrator/config.json', JSON.stringify({ agent, staggerMs: 0 }));
  const launch = (...args: string[]): string => at(machine.root, join(machine.root, LAUNCHER), ...args);
  const status = (): StatusReport => JSON.parse(launch('status', '--json'));
  const stream = (): StatusReport['streams'][number] => status().streams[0] ?? assert.fail('no stream');
  try {
    await enter(pane, '/orchestrate start');
    await shows(pane, 'it is yours to give');
    assert.match(toolAnswers(server).join('\n'), /Not sent: .*permission prompt/, 'nobody approves by send');
    const { poller } = status();
    at(machine.root, join(update(machine, '9.9.9'), 'bin/orchestrate'), 'init');
    assert.ok(machine.read(LAUNCHER).includes('/orchestrate/9.9.9/dist/cli.js'));
    assert.deepEqual(status().poller, poller, 'it goes on with the old program, …');
    assert.ok(existsSync(/'(\S+\/dist\/cli\.js)'/.exec(launcher)?.[1] ?? ''), '… which stays');
    at(machine.root, 'tmux', '-L', machine.socket, 'send-keys', '-t', stream().pane ?? '', 'Enter');
    await shows(pane, 'The whole plan is finished.');
    assert.deepEqual([stream().state, stream().run], ['done', 1]);
    const ofAgent = server.requests
      .map(({ messages }) => messages.map(textOf).join('\n'))
      .filter((text) => text.includes('the stream `Ask`'));
    assert.ok(ofAgent.some((text) => text.includes('Yes, greet in English.')));
    assert.ok(!ofAgent.some((text) => text.includes('orchestrate event')), 'an agent is told of none');
    const naming = spawnSync('grep', ['-rhF', machine.marketplace, '.'], {
      cwd: machine.root,
      encoding: 'utf8',
    });
    const lines = naming.stdout.split('\n').filter((line) => !/^ *("PATH": .*)?$/.test(line));
    assert.deepEqual(lines, [], 'nothing that stays names the place of the plugin');
  } finally {
    launch('stop');
  }
});
