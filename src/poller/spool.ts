/** The spool, where agents' hooks leave their reports: what wakes the poller at once, what may wait, and when reports are forgotten. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Ports } from '../app/ports.ts';
import { privateDirectory } from './steps/step.ts';

/** Reports of tool calls come often and decide nothing: they wake the poller at most this often. */
const TOOL_WAKE_MS = 1_000;

/** Makes the directory, so that it can be watched before the first worker reports. */
export function prepareSpool({ paths }: Pick<Ports, 'paths'>): void {
  privateDirectory(paths.spoolDir);
}

/** Turns names of changed files into wake-ups: drafts into none, tool calls into a few, all else at once. */
export function createReportBell(ring: () => void): { onFile(name: string | null): void; close(): void } {
  let lastMs = 0;
  let timer: NodeJS.Timeout | null = null;
  return {
    onFile(name) {
      if (name?.startsWith('.') === true) return;
      // Costs are looked at now and then.
      if (name?.includes('.Status.') === true) return;
      if (name?.includes('.PreToolUse.') !== true) return ring();
      const waitMs = lastMs + TOOL_WAKE_MS - performance.now();
      if (timer !== null) return;
      timer = setTimeout(
        () => {
          timer = null;
          lastMs = performance.now();
          ring();
        },
        Math.max(0, waitMs),
      );
      timer.unref();
    },
    close() {
      if (timer !== null) clearTimeout(timer);
    },
  };
}

/** Forgets what earlier runs of a stream reported; called when no worker of it lives. */
export function forgetReports({ paths }: Pick<Ports, 'paths'>, key: string): void {
  const spool = privateDirectory(paths.spoolDir);
  const ofKey = new RegExp(`^\\.?${key}-\\d+\\.`);
  for (const name of readdirSync(spool)) if (ofKey.test(name)) rmSync(join(spool, name), { force: true });
}
