/** Serves the tools, on the official SDK, over a pair of streams until the input ends or a signal comes; stdout carries nothing but JSON-RPC. */
import { Console } from 'node:console';
import type { Readable, Writable } from 'node:stream';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  type Tool as ListedTool,
  ListToolsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import { printable } from '../../core/printable.ts';
import { type CallSite, openCallSite, type SiteOptions, type Tool, unknownTool } from './call.ts';
import { LineTransport } from './line-transport.ts';

/** The SDK quotes whole messages in what it reports. */
const WARNING_CHARACTERS = 300;

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Everything a server needs to run. */
export type ServeOptions = Omit<SiteOptions, 'warn'> & {
  readonly version: string;
  readonly stdin: Readable;
  readonly stdout: Writable;
};

/** Serves until the input ends, the output closes, or SIGINT, SIGTERM or SIGHUP arrives; resolves to exit code 0. */
export async function serveMcp(options: ServeOptions): Promise<number> {
  const warn = (line: string) => void process.stderr.write(`orchestrate mcp: ${line}\n`);
  // Whatever a dependency prints must not end up between the messages.
  globalThis.console = new Console(process.stderr, process.stderr);
  const site = openCallSite({ ...options, warn });
  const server = createServer(loadTools, site, options.version);
  const transport = new LineTransport(options.stdin, options.stdout);
  const closed = new Promise<void>((resolve) => {
    server.onclose = resolve;
  });
  server.onerror = (error) => warn(printable(error.message, WARNING_CHARACTERS));
  const stop = () => void transport.close();
  for (const signal of STOP_SIGNALS) process.once(signal, stop);
  try {
    await server.connect(transport);
    await closed;
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, stop);
    site.close();
  }
  return 0;
}

/** The tools and the schemas of their inputs, which the first answer needn't wait for. */
async function loadTools(): Promise<readonly Tool[]> {
  return (await import('./tools.ts')).TOOLS;
}

/** The SDK checks calls by itself, but only then as wrong parameters (-32602), when the schema let them through. */
const AnyCallSchema = z.object({ method: z.literal('tools/call'), params: z.unknown() });

/** Clients' own forms are never asked for, so nothing is validated, and the SDK's validator needn't be loaded. */
const NO_VALIDATOR = {
  getValidator: (): never => {
    throw new Error('this server asks clients for no input');
  },
};

/** A server that offers the tools which `load` gives, performing their calls at `site`. */
function createServer(load: () => Promise<readonly Tool[]>, site: CallSite, version: string): Server {
  const server = new Server(
    { name: 'task-copilot', version },
    { capabilities: { tools: {} }, jsonSchemaValidator: NO_VALIDATOR },
  );
  server.setRequestHandler(ListToolsRequestSchema, async () => ({ tools: (await load()).map(listed) }));
  server.setRequestHandler(AnyCallSchema, async (request): Promise<CallToolResult> => {
    const { name, arguments: given = {} } = CallToolRequestSchema.parse(request).params;
    const tool = (await load()).find((one) => one.name === name);
    return tool === undefined ? unknownTool(name) : site.call(tool, given);
  });
  return server;
}

function listed(tool: Tool): ListedTool {
  const { properties = {}, required = [] } = z.toJSONSchema(tool.input, { io: 'input' });
  const inputSchema = { type: 'object' as const, properties: properties as Record<string, object>, required };
  return { name: tool.name, description: tool.description, inputSchema };
}
