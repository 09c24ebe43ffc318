/** What agents of every kind put into a run's directory, and how they name their program; the files are 0600, whole or not at all. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { replaceFile } from '../files/replace-file.ts';
import type { AgentDeps, AgentSettings, McpServer } from './port.ts';

/** The name under which agents know our MCP server. */
export const MCP_NAME = 'task-copilot';

/** What of a review is too long to be typed to the run's agent, which may read it. */
export const NOTES_FILE = 'review-notes.md';

/** Writes `text` to `name` in `directory` (made 0700 when missing); returns the file's path. */
export function writeRunFile(directory: string, name: string, text: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = path.join(directory, name);
  replaceFile(file, text, 0o600);
  return file;
}

/** The MCP configuration of one run, in the form that most agents share; `env` (with the run's secret) goes to the server only. */
export function mcpConfig(
  server: McpServer | null,
  env: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> {
  const entry = server === null ? {} : { [MCP_NAME]: { command: server.command, args: server.args, env } };
  return { mcpServers: entry };
}

/** The configured command as the launch names it: a path is relative to the project, a bare word is looked up in PATH. */
export function programOf({ command }: AgentSettings, { resolve }: Pick<AgentDeps, 'resolve'>): string {
  return command.includes('/') ? resolve(command) : command;
}

/** Longest prompt given as an argument, in bytes: the system refuses one argument of 128 KiB. */
const LONGEST_ARGUMENT = 100_000;

/**
 * The prompt as an argument: itself, or (too long for the system) a sentence that names `file`, which holds it. A text that
 * begins like a slash command, a flag or a lone word would be taken for a command: those get words in front.
 */
export function promptArgument(prompt: string, file: string): string {
  if (Buffer.byteLength(prompt) > LONGEST_ARGUMENT) {
    return `Your instructions are in the file ${file}. Read the whole of it first, then do what it says.`;
  }
  return /^\s*[A-Za-z#][^\s]*\s+\S/.test(prompt) ? prompt : `Your instructions:\n${prompt}`;
}
