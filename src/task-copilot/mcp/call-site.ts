/** Opens the stores for the tools, on first use, and runs each call in one transaction; knows no tool. */
import { createHash } from 'node:crypto';
import { type Stats, statSync } from 'node:fs';
import { messageOf } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { whileBusy } from '../../sqlite/busy-wait.ts';
import type { Db } from '../../sqlite/database.ts';
import { guarded } from '../../sqlite/failures.ts';
import type { StateStore } from '../../state/types.ts';
import { copilotPlace, openCopilotDatabase } from '../store-schema.ts';
import type { CallSite } from './call.ts';
import { openScope, type ScopeRefusal } from './scope.ts';
import type { ToolContext } from './tool.ts';

/** How long a call waits for other writers: well below the time that clients wait for an answer. */
const LOCK_WAIT_MS = 20_000;

/** A refusal is logged no longer than this, whatever ids it quotes. */
const EVENT_CHARACTERS = 500;

/** Which stores a server works on, and for whom. */
export type SiteOptions = {
  readonly planDbPath: string;
  /** Called before the store is opened or created; throws when it must not be. */
  readonly beforeOpening: () => void;
  /** Opens orchestrate's own memory; null while there is none. */
  readonly openState: () => StateStore | null;
  readonly workspace: string;
  /** Launch token of the worker that this server is for; null for a person's session. */
  readonly token: string | null;
  readonly memoryDbPath: string;
  /** Receives what can't be told to the client, one line each. */
  readonly warn: (line: string) => void;
};

/** The place where calls are performed; `close` releases the stores. */
export function openCallSite(options: SiteOptions): CallSite & { readonly close: () => void } {
  const plan = planConnection(options.planDbPath, options.beforeOpening);
  const state = once(options.openState);
  const tokenHash = options.token === null ? null : sha256(options.token);

  const contextOf = (sql: Db): ToolContext => ({
    db: { sql, now: new Date().toISOString() },
    scope: tokenHash === null ? null : openScope(tokenHash, state.get()),
    workspace: options.workspace,
    memoryDbPath: options.memoryDbPath,
    workersLive: (initiativeId) => state.get()?.hasOpenRuns(initiativeId) ?? false,
  });

  const recordRefusal = (toolName: string, { scope, message }: ScopeRefusal): void => {
    state.get()?.addEvent({
      atMs: Date.now(),
      key: scope?.key ?? null,
      run: scope?.run ?? null,
      kind: 'mcp-refused',
      message: printable(`${toolName}: ${message}`, EVENT_CHARACTERS),
    });
  };

  return {
    inTransaction: (changes, work) => plan.inTransaction(changes, (sql) => work(contextOf(sql))),
    onRefused: (toolName, refusal) => {
      try {
        recordRefusal(toolName, refusal);
      } catch (error) {
        options.warn(`could not record a refused ${toolName}: ${messageOf(error)}`);
      }
    },
    close: () => {
      plan.close();
      state.get()?.close();
    },
  };
}

function sha256(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Asks `open` again until it gives something, then keeps that. */
function once<T>(open: () => T | null): { readonly get: () => T | null } {
  let kept: T | null = null;
  return {
    get: () => {
      kept ??= open();
      return kept;
    },
  };
}

/** The connection to the plan store: made on first use, and made anew when the file at the path is another one. */
function planConnection(path: string, beforeOpening: () => void) {
  const place = copilotPlace(path, LOCK_WAIT_MS);
  let open: { readonly db: Db; readonly file: Stats | undefined } | null = null;

  const connection = (): Db => {
    if (open !== null && isSameFile(open.file, fileAt(path))) return open.db;
    open?.db.close();
    open = null;
    beforeOpening();
    const db = openCopilotDatabase(path, { create: true });
    db.pragma('busy_timeout = 0');
    open = { db, file: fileAt(path) };
    return db;
  };

  return {
    inTransaction: (changes: boolean, work: (sql: Db) => unknown): unknown => {
      const db = connection();
      const transaction = db.transaction(() => work(db));
      return guarded(place, () =>
        whileBusy(LOCK_WAIT_MS, () => (changes ? transaction.immediate() : transaction.deferred())),
      );
    },
    close: () => open?.db.close(),
  };
}

function fileAt(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function isSameFile(a: Stats | undefined, b: Stats | undefined): boolean {
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
