/** `orchestrate mcp` finds the store that the project's other commands use, and keeps out of another project's. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { connect, type McpProject, mcpProject } from '../support/mcp-rig.ts';

describe('orchestrate mcp', () => {
  let project: McpProject;
  beforeEach(() => {
    project = mcpProject();
  });
  afterEach(() => project.remove());

  /** Links an initiative through a server started in `cwd` and returns the answer's text. */
  const link = async (cwd: string, env: Record<string, string> = {}): Promise<string> => {
    const server = await connect({ ...project, root: cwd }, env);
    const { text } = await server.call('initiative_link', { initiativeId: 'I', title: 'T' });
    await server.close();
    return text;
  };

  it('makes a private store on first use only, named after the project', async () => {
    const server = await connect(project);
    await server.client.listTools();
    assert.equal(existsSync(project.planDbPath), false);
    await server.json('prd_list');
    await server.close();
    assert.equal(statSync(project.planDbPath).mode & 0o777, 0o600);
    assert.equal(existsSync(project.stateDbPath), false, 'a server makes no state of its own');
  });

  it('takes the workspace of .mcp.json, also from a subdirectory, and WORKSPACE_ID before it', async () => {
    const inside = join(project.root, 'src', 'deep');
    mkdirSync(inside, { recursive: true });
    const entry = { command: 'orchestrate', args: ['mcp'], env: { WORKSPACE_ID: 'from-file' } };
    writeFileSync(join(project.root, '.mcp.json'), JSON.stringify({ mcpServers: { 'task-copilot': entry } }));
    assert.match(await link(inside), /"dbPath":"from-file"/);
    assert.ok(existsSync(join(project.home, 'tasks', 'from-file', 'tasks.db')));
    assert.match(await link(inside, { WORKSPACE_ID: ' told ' }), /"dbPath":"told"/);
    assert.ok(existsSync(join(project.home, 'tasks', 'told', 'tasks.db')));
  });

  it('serves a worktree from the main checkout, even while the configuration is broken', async () => {
    const git = (...args: string[]) => execFileSync('git', ['-C', project.root, ...args], { stdio: 'pipe' });
    git('-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '-q', '--allow-empty', '-m', 's');
    const worktree = join(project.home, 'elsewhere');
    git('worktree', 'add', '-q', worktree);
    assert.match(await link(worktree), /"dbPath":"my-app"/);
    mkdirSync(join(project.root, '.claude', 'orchestrator'), { recursive: true });
    writeFileSync(join(project.root, '.claude', 'orchestrator', 'config.json'), '{ half');
    assert.match(await link(worktree, { WORKSPACE_ID: 'my-app' }), /"initiativeId":"I"/);
  });

  it('keeps out of the store of another project with the same workspace', async () => {
    await link(project.root);
    const second = join(project.home, 'other', 'my-app');
    mkdirSync(second, { recursive: true });
    execFileSync('git', ['init', '--quiet', second]);
    const text = await link(second);
    assert.match(text, /^Error: the plan store .* belongs to another project: .*my-app \(give this project/);
  });

  it('works outside of any repository, as Task Copilot does', async () => {
    const plain = join(project.home, 'plain');
    mkdirSync(plain);
    assert.match(await link(plain), /"dbPath":"plain"/);
  });
});
