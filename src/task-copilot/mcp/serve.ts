/** Serves the tools over a pair of streams until the input ends or a signal comes; stdout carries nothing but JSON-RPC. */
import { Console } from 'node:console';
import type { Readable, Writable } from 'node:stream';
import { printable } from '../../core/printable.ts';
import { openCallSite, type SiteOptions } from './call-site.ts';
import { LineTransport } from './line-transport.ts';
import { createServer } from './server.ts';
import type { Tool } from './tool.ts';

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
