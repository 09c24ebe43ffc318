/** The plugin that opencode loads for a run: it keeps what the session is doing where the poller looks for it, and never fails the agent. */

/** Name of its report in the spool: `<key>-<run>.<REPORT>.json`. */
export const REPORT = 'Session';

/**
 * JavaScript that opencode runs; everything it uses comes from the launch's environment. Notes:
 * - one file holds the latest word on the session; its first line is the run's token, by which it is known for the run's own;
 * - sessions of subagents have a parent, and are not the run's;
 * - signs of life are written every few seconds, a change of status at once.
 */
export const PLUGIN = `// Made by orchestrate. Keeps the latest word on this run's session where the poller looks for it.
import { renameSync, writeFileSync } from 'node:fs';
const { ORCHESTRATE_SPOOL: spool, ORCHESTRATE_KEY: key, ORCHESTRATE_RUN: run, ORCHESTRATE_TOKEN: token } = process.env;
const file = spool + '/' + key + '-' + run + '.${REPORT}.json';
const draft = spool + '/.' + key + '-' + run + '.${REPORT}.' + process.pid;
const children = new Set();
let last = { status: 'starting', sinceMs: Date.now(), session: null, detail: null, error: null };
let writtenMs = 0;
const write = (part) => {
  const sinceMs = part.status && part.status !== last.status ? Date.now() : last.sinceMs;
  last = { ...last, ...part, sinceMs };
  writtenMs = performance.now();
  try {
    writeFileSync(draft, token + '\\n' + JSON.stringify(last), { mode: 0o600 });
    renameSync(draft, file);
  } catch (error) {
    last = { ...last, lost: String(error) };
  }
};
const told = {
  'session.status': (p) => {
    if (p.status.type === 'busy') write({ status: 'busy', session: p.sessionID, detail: null, error: last.status === 'busy' ? last.error : null });
    if (p.status.type === 'retry') write({ status: 'retry', session: p.sessionID, detail: String(p.status.message ?? '') });
    if (p.status.type === 'idle') write({ status: 'idle', session: p.sessionID, detail: null });
  },
  'session.idle': (p) => write({ status: 'idle', session: p.sessionID, detail: null }),
  'session.error': (p) => write({ error: { name: p.error?.name ?? 'error', text: String(p.error?.data?.message ?? ''), code: p.error?.data?.statusCode ?? null } }),
  'permission.asked': (p) => write({ status: 'waiting', detail: 'permission: ' + (p.permission ?? p.title ?? 'a tool') + ' ' + [p.patterns ?? ''].flat().join(' ') }),
  'permission.replied': () => write({ status: 'busy', detail: null }),
  'question.asked': () => write({ status: 'waiting', detail: 'the agent asks a question' }),
  'question.replied': () => write({ status: 'busy', detail: null }),
};
export const Report = async () => ({
  event: async ({ event }) => {
    const p = event.properties ?? {};
    if (event.type === 'session.created' && p.info?.parentID) children.add(p.info.id);
    if (children.has(p.sessionID)) return;
    const tell = told[event.type];
    if (tell) tell(p);
    else if (last.status === 'busy' && performance.now() - writtenMs > 5000) write({});
  },
});
`;
