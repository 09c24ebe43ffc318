/** Claude Code as a reviewer: headless, with tools that only read, answering by a JSON schema; knows nothing of gates. */
import { fieldsOf, numberOf, parseObject } from '../../core/json-fields.ts';
import type { AgentSettings, Reviewer } from '../port.ts';

const TOOLS = 'Read,Glob,Grep';

/** The form of the answer; what is printed is checked again, since not every version holds to it. */
const ANSWER = {
  type: 'object',
  properties: {
    verdict: { type: 'string', enum: ['pass', 'fail'] },
    findings: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          file: { type: 'string' },
          line: { type: ['integer', 'null'] },
          text: { type: 'string' },
        },
        required: ['file', 'line', 'text'],
        additionalProperties: false,
      },
    },
  },
  required: ['verdict', 'findings'],
  additionalProperties: false,
};

/** See `Reviewer`. Settings and hooks of the project, which a worker may have written, are not loaded. */
export function claudeReviewer({
  command,
  args,
  model,
}: Pick<AgentSettings, 'command' | 'args' | 'model'>): Reviewer {
  return {
    argv: [
      command,
      ...args,
      ...['-p', '--output-format', 'json', '--no-session-persistence'],
      ...['--json-schema', JSON.stringify(ANSWER)],
      ...['--permission-mode', 'dontAsk', '--tools', TOOLS, '--allowedTools', TOOLS],
      ...['--setting-sources', 'user', '--strict-mcp-config'],
      ...(model === null ? [] : ['--model', model]),
    ],
    read: (stdout) => {
      const result = parseObject(stdout) ?? {};
      const told = fieldsOf(result['usage']);
      const count = (name: string): number => numberOf(told[name]) ?? 0;
      const costUsd = numberOf(result['total_cost_usd']);
      const usage = {
        tokens: count('input_tokens') + count('cache_creation_input_tokens') + count('output_tokens'),
        cachedTokens: count('cache_read_input_tokens'),
        costUsd,
      };
      const isNothing = costUsd === null && usage.tokens === 0;
      const failed = result['is_error'] === true;
      return {
        answer: failed ? null : (result['structured_output'] ?? null),
        usage: isNothing ? null : usage,
      };
    },
  };
}
