/** A scripted model on loopback: answers Claude Code's requests from rules; keeps no conversation, so retries and resumes need no care. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bodyOf } from '../../support/loopback.ts';
import { answerError, answerMessage, type Block } from './model-answer.ts';

/** What the model does at one turn. */
export type Step =
  | { readonly text: string }
  | { readonly tool: string; readonly input: Readonly<Record<string, unknown>>; readonly text?: string }
  | { readonly error: number; readonly headers?: Readonly<Record<string, string>>; readonly message?: string }
  /** Answers with `answer` once the test has called `release(hold)`. */
  | { readonly hold: string; readonly answer: Step };

/** Applies to a conversation whose latest matching user message contains (or matches) `match`. */
export type Rule = {
  readonly match: string | RegExp;
  /** Asked again at each turn when it is a function. */
  readonly steps: readonly Step[] | (() => readonly Step[]);
};

/** One message of a request, with its content always as blocks. */
export type Message = { readonly role: string; readonly content: readonly Block[] };

/** One request that offered tools, as it arrived. */
export type ModelRequest = {
  readonly session: string | null;
  readonly messages: readonly Message[];
  readonly system: string;
};

export type ModelServer = {
  readonly url: string;
  /** Requests of real turns, oldest first (side requests such as titles are left out). */
  readonly requests: readonly ModelRequest[];
  /** Lets every step that holds (or will hold) under this name go on. */
  release(name: string): void;
  close(): Promise<void>;
};

/** Starts the server; `rules` are tried in order, the latest matching user message decides. */
export async function startModelServer(rules: readonly Rule[]): Promise<ModelServer> {
  const requests: ModelRequest[] = [];
  const gates = new Map<string, PromiseWithResolvers>();
  const gate = (name: string): PromiseWithResolvers => {
    const found = gates.get(name) ?? withResolvers();
    gates.set(name, found);
    return found;
  };
  // No connection is closed while a slow machine takes its time between two requests: the next one would meet its end.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    void serve(request, response, rules, requests, (name) => gate(name).promise);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A test that fails before it closes the server is to end and be told, not to keep its process for ever.
  server.unref();
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    release: (name) => gate(name).resolve(),
    close: () =>
      new Promise((resolve) => {
        for (const held of gates.values()) held.resolve();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type PromiseWithResolvers = { promise: Promise<void>; resolve: () => void };

function withResolvers(): PromiseWithResolvers {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  rules: readonly Rule[],
  requests: ModelRequest[],
  held: (name: string) => Promise<void>,
): Promise<void> {
  const body = await bodyOf(request);
  if (body === null) return;
  const target = request.url ?? '';
  if (request.method !== 'POST' || !target.startsWith('/v1/messages')) {
    response.writeHead(request.method === 'HEAD' ? 200 : 404).end();
    return;
  }
  if (target.includes('count_tokens')) {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"input_tokens":100}');
    return;
  }
  const parsed = JSON.parse(body) as RawRequest;
  const streaming = parsed.stream === true;
  if (!Array.isArray(parsed.tools) || parsed.tools.length === 0) {
    answerMessage(response, [{ type: 'text', text: 'ok' }], streaming);
    return;
  }
  const messages = parsed.messages.map(asMessage);
  const session = request.headers['x-claude-code-session-id'];
  requests.push({
    session: typeof session === 'string' ? session : null,
    messages,
    system: JSON.stringify(parsed.system ?? ''),
  });
  await answerStep(response, chooseStep(rules, messages), streaming, held);
}

type RawRequest = {
  readonly stream?: boolean;
  readonly tools?: unknown;
  readonly system?: unknown;
  readonly messages: readonly { role: string; content: string | Block[] }[];
};

function asMessage(raw: { role: string; content: string | Block[] }): Message {
  const content =
    typeof raw.content === 'string' ? [{ type: 'text', text: raw.content } as Block] : raw.content;
  return { role: raw.role, content };
}

/** All text of a message's text blocks. */
export function textOf(message: Message): string {
  return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('\n');
}

/** The step of the latest user message that a rule matches: as many steps on as assistant turns followed it. */
function chooseStep(rules: readonly Rule[], messages: readonly Message[]): Step {
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const message = messages[index];
    if (message === undefined || message.role !== 'user') continue;
    const rule = latestRule(rules, textOf(message));
    if (rule === null) continue;
    const turns = messages.slice(index + 1).filter(({ role }) => role === 'assistant').length;
    const steps = typeof rule.steps === 'function' ? rule.steps() : rule.steps;
    return steps[turns] ?? { text: 'Nothing more to do.' };
  }
  return { text: 'No rule matches.' };
}

/** The rule that matches furthest on: an unanswered message and the one after it arrive as one. */
function latestRule(rules: readonly Rule[], text: string): Rule | null {
  const found = rules
    .map((rule) => ({
      rule,
      at: typeof rule.match === 'string' ? text.lastIndexOf(rule.match) : text.search(rule.match),
    }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => b.at - a.at);
  return found[0]?.rule ?? null;
}

async function answerStep(
  response: ServerResponse,
  step: Step,
  streaming: boolean,
  held: (name: string) => Promise<void>,
): Promise<void> {
  if ('hold' in step) {
    await held(step.hold);
    return answerStep(response, step.answer, streaming, held);
  }
  if ('error' in step) {
    answerError(response, step.error, step.headers ?? {}, step.message ?? 'scripted failure');
    return;
  }
  const content: Block[] = step.text === undefined ? [] : [{ type: 'text', text: step.text }];
  if ('tool' in step) {
    content.push({
      type: 'tool_use',
      id: `toolu_${Math.random().toString(36).slice(2)}`,
      name: step.tool,
      input: step.input,
    });
  }
  answerMessage(response, content, streaming);
}
