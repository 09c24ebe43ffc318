/** What every statement of the Task Copilot tools works with: a connection inside a transaction, the time, new ids. */
import { randomUUID } from 'node:crypto';
import type { Db } from '../../sqlite/database.ts';

/** The store as one call sees it. */
export type CopilotDb = {
  readonly sql: Db;
  /** The moment of the call, ISO-8601 UTC with milliseconds. */
  readonly now: string;
};

/** An input that the store doesn't take; the message is the whole text that the caller is shown. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** A new id of the given kind, as Task Copilot forms them. */
export function newId(kind: 'INIT' | 'PRD' | 'TASK' | 'WP'): string {
  return `${kind}-${randomUUID()}`;
}
