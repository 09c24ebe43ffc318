/** What `orchestrate init` does for Claude Code: `.mcp.json` merged or respected, the slash command, the planner agent. */
import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { templatePath } from '../../src/app/package-root.ts';
import { TOOLS } from '../../src/task-copilot/mcp/tools.ts';
import { type CliRig, createCliRig } from '../support/cli-rig.ts';

const oursIn = (rig: CliRig) => ({
  command: join(rig.root, '.claude/orchestrator/orchestrate'),
  args: ['mcp'],
});
const COMMAND = '.claude/commands/orchestrate.md';
const AGENT = '.claude/agents/ta.md';

async function init(rig: CliRig, ...flags: string[]): Promise<string> {
  const { code, stdout, stderr } = await rig.run(['init', ...flags]);
  assert.deepEqual([code, stderr], [0, '']);
  return stdout;
}

const servers = (rig: CliRig) => JSON.parse(rig.read('.mcp.json')).mcpServers;
const template = (name: string) => readFileSync(templatePath(name), 'utf8');

test('without .mcp.json one is made, whose server answers; the command and the planner are there', async () => {
  await using rig = await createCliRig();
  const stdout = await init(rig);
  assert.match(stdout, /^create \.mcp\.json \(it holds paths of this machine: not meant to be committed\)$/m);
  assert.deepEqual(servers(rig), { 'task-copilot': oursIn(rig) });
  assert.equal(rig.read(COMMAND), template('commands/orchestrate.md'));
  assert.equal(rig.read(AGENT), template('agents/ta.md'));
  const { args } = servers(rig)['task-copilot'];
  const hello = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
  };
  const { stdout: answer } = await rig.run(args, { input: `${JSON.stringify(hello)}\n` });
  assert.equal(JSON.parse(answer).result.serverInfo.name, 'task-copilot');
});

test('other servers stay byte for byte, in the layout of the file', async () => {
  await using rig = await createCliRig();
  const others =
    '{\n\t"mcpServers": {\n\t\t"files": { "command": "npx",  "args": ["-y", "x"] }\n\t},\n\t"other": 1.0\n}\n';
  rig.write('.mcp.json', others);
  assert.match(await init(rig), /^update \.mcp\.json \(server "task-copilot" added\)$/m);
  const merged = rig.read('.mcp.json');
  assert.ok(
    merged.startsWith(
      '{\n\t"mcpServers": {\n\t\t"files": { "command": "npx",  "args": ["-y", "x"] },\n\t\t"task-copilot": {\n\t\t\t"command"',
    ),
    merged,
  );
  assert.ok(merged.endsWith('\n\t},\n\t"other": 1.0\n}\n'), merged);
  assert.deepEqual(servers(rig)['task-copilot'], oursIn(rig));
  assert.match(await init(rig), /^nothing to do$/m);
  assert.equal(rig.read('.mcp.json'), merged);
  await init(rig, '--remove');
  assert.equal(rig.read('.mcp.json'), others);
});

test("a task-copilot server of somebody else's is kept, even by --force, and its workspace and store are used", async () => {
  await using rig = await createCliRig();
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the variable is expanded where .mcp.json is read
  const env = { WORKSPACE_ID: 'theirs', TASK_DB_PATH: '${HOME}/elsewhere' };
  const theirs = JSON.stringify({
    mcpServers: { 'task-copilot': { command: 'node', args: ['/opt/copilot.js'], env } },
  });
  rig.write('.mcp.json', theirs);
  for (const flags of [[], ['--force']]) {
    const stdout = await init(rig, ...flags);
    assert.match(
      stdout,
      /^keep \.mcp\.json \(its server "task-copilot" is used, with its WORKSPACE_ID and TASK_DB_PATH/m,
    );
    assert.equal(rig.read('.mcp.json'), theirs);
  }
  rig.write(
    '../plan.json',
    JSON.stringify({
      initiative: { id: 'i', title: 'I' },
      prd: { title: 'P' },
      streams: [{ id: 'A', name: 'A', dependencies: [], tasks: [{ title: 'T' }] }],
    }),
  );
  const imported = await rig.run(['import', '../plan.json'], { env: { TASK_DB_PATH: undefined } });
  assert.equal(imported.code, 0, imported.stderr);
  assert.ok(existsSync(join(rig.home, 'elsewhere/theirs/tasks.db')));
  assert.match(
    (await rig.run(['init', '--remove'])).stdout,
    /^keep \.mcp\.json \(its server "task-copilot" is not ours\)$/m,
  );
  assert.equal(rig.read('.mcp.json'), theirs);
});

test('our entry learns a new installation and keeps the variables that were added to it', async () => {
  await using rig = await createCliRig();
  const env = { WORKSPACE_ID: 'mine' };
  rig.write(
    '.mcp.json',
    JSON.stringify({
      mcpServers: { 'task-copilot': { command: '/old/node', args: ['/old/dist/cli.js', 'mcp'], env } },
    }),
  );
  assert.match(await init(rig), /^update \.mcp\.json \(server "task-copilot" calls this installation\)$/m);
  assert.deepEqual(servers(rig)['task-copilot'], { ...oursIn(rig), env });
  assert.match(await init(rig), /^nothing to do$/m);
});

test('a .mcp.json that is no configuration is named with exit 7, and nothing is made', async () => {
  await using rig = await createCliRig();
  const cases: [string, RegExp][] = [
    ['{ "mcpServers": ', /\.mcp\.json is not valid JSON/],
    ['[]', /its top is not an object/],
    ['{"mcpServers": []}', /"mcpServers" is not an object/],
    ['{"mcpServers": {"task-copilot": "x"}}', /"task-copilot" is not an object/],
  ];
  for (const [text, message] of cases) {
    rig.write('.mcp.json', text);
    const { code, stderr } = await rig.run(['init']);
    assert.equal(code, 7, text);
    assert.match(stderr, message);
    assert.match(stderr, /\n {2}fix: correct or remove \.mcp\.json/);
    assert.equal(rig.read('.mcp.json'), text);
    assert.ok(!existsSync(join(rig.root, '.claude')) && !existsSync(join(rig.root, 'watch-status')));
  }
});

test('a byte order mark, a symlink and the mode of the file survive', async () => {
  await using rig = await createCliRig();
  const real = join(rig.home, 'shared.json');
  writeFileSync(real, '\uFEFF{"mcpServers": {}}\r\n', { mode: 0o640 });
  symlinkSync(real, join(rig.root, '.mcp.json'));
  await init(rig);
  assert.equal(readlinkSync(join(rig.root, '.mcp.json')), real);
  assert.ok(lstatSync(join(rig.root, '.mcp.json')).isSymbolicLink());
  assert.equal(statSync(real).mode & 0o777, 0o640);
  const text = readFileSync(real, 'utf8');
  assert.ok(text.startsWith('\uFEFF{') && text.endsWith('}\r\n'), JSON.stringify(text));
  assert.deepEqual(JSON.parse(text.slice(1)).mcpServers['task-copilot'], oursIn(rig));
});

test("a planner of the project's own stays, even with --force; a changed slash command is replaced only by it", async () => {
  await using rig = await createCliRig();
  rig.write(AGENT, '---\nname: ta\n---\nOurs.\n');
  rig.write(COMMAND, 'Mine.\n');
  const stdout = await init(rig);
  assert.match(stdout, /^keep \.claude\/agents\/ta\.md \(your own planner is used\)$/m);
  assert.match(stdout, /^keep \.claude\/commands\/orchestrate\.md \(it was changed; --force/m);
  const forced = await init(rig, '--force');
  const backup = /replace \.claude\/commands\/orchestrate\.md \(backup: (\S+)\)/.exec(forced)?.[1] ?? '';
  assert.equal(rig.read(backup), 'Mine.\n');
  assert.equal(rig.read(COMMAND), template('commands/orchestrate.md'));
  assert.equal(rig.read(AGENT), '---\nname: ta\n---\nOurs.\n');
  await init(rig, '--remove');
  assert.equal(rig.read(AGENT), '---\nname: ta\n---\nOurs.\n');
  assert.ok(!existsSync(join(rig.root, COMMAND)));
});

test('--dry-run tells of all three and makes none of them; --remove takes them and their directories away', async () => {
  await using rig = await createCliRig();
  const files = [COMMAND, AGENT, '.mcp.json'];
  const stdout = await init(rig, '--dry-run');
  for (const file of files) {
    assert.ok(stdout.includes(`would create ${file}`), file);
    assert.ok(!existsSync(join(rig.root, file)), file);
  }
  await init(rig);
  assert.match((await rig.run(['init', '--remove', '--dry-run'])).stdout, /^would remove \.mcp\.json$/m);
  for (const file of files) assert.ok(existsSync(join(rig.root, file)), file);
  await init(rig, '--remove');
  assert.ok(!existsSync(join(rig.root, '.mcp.json')) && !existsSync(join(rig.root, '.claude')));
});

test('the slash command runs nothing by itself, and allows only our program and the tools it names', () => {
  const text = template('commands/orchestrate.md');
  const [, head = '', body = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text) ?? [];
  for (const key of ['description', 'argument-hint', 'allowed-tools'])
    assert.match(head, new RegExp(`^${key}: \\S`, 'm'));
  assert.doesNotMatch(body, /!`|^```!/m, 'no injection');
  assert.equal(body.split('$ARGUMENTS').length, 2, 'the arguments appear once, as data');
  assert.doesNotMatch(body, /\$\d|(^|\s)@(?!agent-)/m);
  assert.doesNotMatch(body, /`orchestrate attach/, 'what the user types works with the plugin alone too');
  const allowed = /^allowed-tools: (.*)$/m.exec(head)?.[1]?.split(', ') ?? [];
  assert.deepEqual(
    allowed.filter((rule) => rule.startsWith('Bash')),
    ['Bash(.claude/orchestrator/orchestrate:*)'],
  );
  for (const [, tool = ''] of body.matchAll(/`(mcp__task-copilot__\w+)`/g))
    assert.ok(allowed.includes(tool), tool);
  for (const word of ['generate', 'start', 'status', 'stop', 'merge', 'clean'])
    assert.ok(body.includes(`| \`${word}\` |`), word);
});

test('slash command, planner and worker prompt name no tool that the server does not have', () => {
  const known = new Set(TOOLS.map(({ name }) => name));
  for (const name of [
    'commands/orchestrate.md',
    'agents/ta.md',
    'worker-prompt.md',
    'generate-prompt.md',
    'generate-retry.md',
  ]) {
    const named = [
      ...template(name)
        .replace(/\{\{\w+\}\}/g, '')
        .matchAll(
          /\b(?:mcp__task-copilot__)?((?:initiative|prd|task|stream|progress|work_product)_[a-z_]+)\b/g,
        ),
    ];
    assert.ok(named.length > 0, name);
    for (const [, tool = ''] of named) assert.ok(known.has(tool), `${name}: ${tool}`);
  }
});
