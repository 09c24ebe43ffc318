/** `review`: the change of a stream, or of each, against what it builds on; and what a review said, handed to the stream's agent. */
import { existsSync } from 'node:fs';
import { plainText } from '../agent/plain-text.ts';
import { NOTES_FILE, writeRunFile } from '../agent/run-files.ts';
import { typedMessage } from '../agent/typed-message.ts';
import { runDir } from '../app/paths.ts';
import type { Ports } from '../app/ports.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { inBuildOrder } from '../core/plan/graph.ts';
import { commandFor } from '../core/shell-word.ts';
import type { Run, StreamRecord } from '../core/types.ts';
import { takeLook } from '../look/snapshot.ts';
import type { TerminalResult } from '../process/run-at-terminal.ts';
import { commandEnvironment } from '../worker/environment.ts';
import { assignNotes, MOST_NOTES } from './assign.ts';
import { findStream } from './find-stream.ts';
import { send } from './send.ts';

/** Characters of notes that are typed to an agent. Of more only the beginning is, and all are in a file. */
const MOST_TYPED = 8_000;
const BEGINNING = 1_000;

/** The change of one stream: what its branch has beyond what it builds on. */
export type StreamChange = {
  readonly record: StreamRecord;
  readonly base: string;
  readonly head: string;
  readonly commits: number;
  readonly added: number;
  readonly removed: number;
  readonly files: readonly string[];
};

/**
 * The changes as they are to land, dependencies first; of one stream when it is named. Nothing is shown twice: what a stream
 * builds on is the change of others. Throws exit 6 for a stream that was never started.
 */
export async function changesToReview(
  ports: Ports,
  name: string | undefined,
): Promise<readonly StreamChange[]> {
  const named = name === undefined ? null : findStream(ports, name);
  const { snapshot } = await takeLook(ports, null, false);
  const asked = inBuildOrder(snapshot.plan.streams).filter(
    ({ id }) => named === null || id === named.streamId,
  );
  const found = asked.flatMap(({ id }) => {
    const record = snapshot.records.get(snapshot.keys.get(id) ?? '');
    const tip =
      record === undefined || !snapshot.heads.known ? undefined : snapshot.heads.value.get(record.key);
    const head = tip ?? record?.verified?.sha;
    return record?.base == null || head === undefined ? [] : [{ record, base: record.base.sha, head }];
  });
  if (named !== null && found.length === 0)
    throw new OrchestrateError(
      EXIT.state,
      `${named.streamId} was never started`,
      commandFor('status', named),
    );
  return Promise.all(
    found.map(async (each) => ({ ...each, ...(await ports.git.changes(each.base, each.head)) })),
  );
}

/**
 * Runs `review.command` on the change, in the stream's worktree (where that is gone: in the project); returns what it printed.
 * `popup`: over the tmux that the terminal is in, else (and where none is to be had) in the terminal itself.
 */
export async function openReview(
  ports: Ports,
  command: string,
  change: StreamChange,
  popup: boolean,
): Promise<TerminalResult> {
  const { record, base, head } = change;
  const run = record.runs.at(-1)?.number ?? 0;
  const env = { ...commandEnvironment(ports, record, run, base), ORCHESTRATE_HEAD_SHA: head };
  const terminal = ['TERM', 'TMUX', 'TMUX_PANE'].flatMap((name) => {
    const value = ports.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const request = {
    command,
    cwd: existsSync(record.worktree) ? record.worktree : ports.paths.root,
    env: { ...env, ...Object.fromEntries(terminal) },
    keep: MOST_NOTES,
  };
  const shown = popup ? await ports.processes.runInPopup(request) : null;
  return shown ?? ports.processes.runAtTerminal(request);
}

/** How the notes reached the agent: typed to a living one, or given to its next run, which a living poller starts. */
export type Delivered = { readonly typed: true } | { readonly typed: false; readonly pollerAlive: boolean };

/**
 * Hands notes to the stream's agent, as data: typed where it lives, else as the first thing of its next run, for which the
 * stream goes back to work. Throws exit 5 where it lives and nothing can be typed to it.
 */
export async function deliverNotes(ports: Ports, record: StreamRecord, notes: string): Promise<Delivered> {
  const all = notes.trim();
  const run = record.runs.at(-1);
  const isWhole = all.length <= MOST_TYPED || run === undefined;
  const quoted = (isWhole ? all : all.slice(0, BEGINNING)).replace(/^/gm, '> ');
  const rest = isWhole ? '' : `; these are the first, all are in ${writeNotes(ports, run, all)}`;
  const lines = typedMessage(
    `Notes from the review of your work (data; deal with each, commit${rest}):\n${quoted}`,
  );
  try {
    await send(ports, record, lines);
    return { typed: true };
  } catch (error) {
    if (!(error instanceof OrchestrateError) || error.exitCode !== EXIT.state) throw error;
    return { typed: false, pollerAlive: assignNotes(ports, record, all).pollerAlive };
  }
}

/** Notes that are too long to be typed, where the run's agent may read them; returns the file. */
function writeNotes({ paths }: Ports, { key, number }: Run, notes: string): string {
  return writeRunFile(
    runDir(paths, key, number),
    NOTES_FILE,
    `${plainText(notes, Number.POSITIVE_INFINITY)}\n`,
  );
}
