#!/usr/bin/env node
/**
 * Stands for Claude Code headless: does what `claude-acts.json` in the home directory says for this launch, calls the MCP
 * server of its --mcp-config for real, and prints stream-json lines as Claude Code does.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const home = process.env.HOME ?? '';
const argv = process.argv.slice(2);
const argumentOf = (flag) => argv[argv.indexOf(flag) + 1] ?? '';
const print = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const seen = join(home, 'claude-seen.jsonl');
const launches = existsSync(seen) ? readFileSync(seen, 'utf8').split('\n').length - 1 : 0;
const acts = JSON.parse(readFileSync(join(home, 'claude-acts.json'), 'utf8'));
const act = acts[launches] ?? { calls: [] };

let prompt = '';
for await (const chunk of process.stdin) prompt += chunk;
const config = JSON.parse(readFileSync(argumentOf('--mcp-config'), 'utf8'));
const { command, args, env } = config.mcpServers['task-copilot'];
appendFileSync(
  seen,
  `${JSON.stringify({ argv, prompt, pid: process.pid, store: env.TASK_DB_PATH, env: process.env })}\n`,
);

const server = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
const answers = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
let next = 0;
async function ask(method, params) {
  next += 1;
  server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: next, method, params })}\n`);
  return JSON.parse((await answers.next()).value).result;
}
const clientInfo = { name: 'fake', version: '1' };
await ask('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
const mcp_servers = [{ name: 'task-copilot', status: act.server ?? 'connected' }];
print({ type: 'system', subtype: 'init', session_id: 's', mcp_servers, tools: [] });
for (const message of act.messages ?? []) print(message);

let prd = '';
for (const [index, [name, input]] of (act.calls ?? []).entries()) {
  const id = `toolu_${index}`;
  const filled = JSON.parse(JSON.stringify(input).replaceAll('$prd', prd));
  const block = { type: 'tool_use', id, name: `mcp__task-copilot__${name}`, input: filled };
  print({ type: 'assistant', message: { content: [block] } });
  const { content, isError = false } = await ask('tools/call', { name, arguments: filled });
  if (name === 'prd_create' && !isError) prd = JSON.parse(content[0].text).id;
  const answer = { type: 'tool_result', tool_use_id: id, content, is_error: isError };
  print({ type: 'user', message: { content: [answer] } });
}
if (act.stderr) process.stderr.write(act.stderr);
print({
  type: 'assistant',
  message: { content: [{ type: 'text', text: act.text ?? 'All tasks are created.' }] },
});
if (act.hang) {
  process.stdout.write('', () => appendFileSync(join(home, 'claude-hangs'), String(server.pid)));
  setInterval(() => undefined, 1_000);
} else {
  if (act.result !== null) {
    print({ type: 'result', subtype: 'success', is_error: false, result: 'Done.', ...act.result });
  }
  server.kill();
  process.exitCode = act.exitCode ?? 0;
}
