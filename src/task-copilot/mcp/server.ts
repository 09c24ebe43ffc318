/** The MCP server itself: which requests it answers, on the official SDK; does not know where messages come from. */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  type Tool as ListedTool,
  ListToolsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import { type CallSite, callTool, unknownTool } from './call.ts';
import type { Tool } from './tool.ts';

/** The SDK checks calls by itself, but only then as wrong parameters (-32602), when the schema let them through. */
const AnyCallSchema = z.object({ method: z.literal('tools/call'), params: z.unknown() });

/** Clients' own forms are never asked for, so nothing is validated, and the SDK's validator needn't be loaded. */
const NO_VALIDATOR = {
  getValidator: (): never => {
    throw new Error('this server asks clients for no input');
  },
};

/** A server that offers the tools which `load` gives, performing their calls at `site`. */
export function createServer(load: () => Promise<readonly Tool[]>, site: CallSite, version: string): Server {
  const server = new Server(
    { name: 'task-copilot', version },
    { capabilities: { tools: {} }, jsonSchemaValidator: NO_VALIDATOR },
  );
  server.setRequestHandler(ListToolsRequestSchema, async () => ({ tools: (await load()).map(listed) }));
  server.setRequestHandler(AnyCallSchema, async (request): Promise<CallToolResult> => {
    const { name, arguments: given = {} } = CallToolRequestSchema.parse(request).params;
    const tool = (await load()).find((one) => one.name === name);
    return tool === undefined ? unknownTool(name) : callTool(tool, given, site);
  });
  return server;
}

function listed(tool: Tool): ListedTool {
  const { properties = {}, required = [] } = z.toJSONSchema(tool.input, { io: 'input' });
  const inputSchema = { type: 'object' as const, properties: properties as Record<string, object>, required };
  return { name: tool.name, description: tool.description, inputSchema };
}
