/** `review`: shows the change of a stream, or of each, in `review.command` or the pager; what that program prints goes to the agent. */
import type { Ports } from '../app/ports.ts';
import { withPorts } from '../app/wiring.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { plural, printable } from '../core/printable.ts';
import { commandFor } from '../core/shell-word.ts';
import { changesToReview, deliverNotes, openReview, type StreamChange } from '../operator/review.ts';
import { refuseSteering } from '../operator/run-scope.ts';
import { refuseGitConfigOfAgents } from '../poller/steps/git-config.ts';
import type { Flags } from './definition.ts';
import { type Io, whoStarts } from './io.ts';

export async function run(args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: false }, async (ports) => {
    const { command } = ports.config.review;
    if (command !== null) refuseSteering(io.env, ports.paths.root, 'review');
    const changes = await changesToReview(ports, args[0]);
    if (io.json) io.print(JSON.stringify({ schemaVersion: 1, streams: changes.map(described) }));
    else if (changes.length === 0) io.print('nothing to review: no stream has started');
    else if (command === null) await show(ports, changes, io);
    else for (const change of changes) await reviewIn(ports, command, change, io);
    return EXIT.ok;
  });
}

function described({ record, ...change }: StreamChange) {
  return { id: record.streamId, branch: record.branch, ...change };
}

/** One line above the change of a stream. */
function heading({ record, commits, files, added, removed, base, head }: StreamChange): string {
  const size = `${plural(commits, 'commit')}, ${plural(files.length, 'file')}, +${added} −${removed}`;
  return `${printable(record.streamId)}: ${size} (${base.slice(0, 10)}..${head.slice(0, 10)})`;
}

/** In the pager, by git's own rules for it; plain where nobody looks at a terminal. */
async function show(ports: Ports, changes: readonly StreamChange[], io: Io): Promise<void> {
  const texts = await Promise.all(
    changes.map(async (change) => {
      const { base: from, head: to } = change;
      const diff = await ports.git.diff({ from, to, paths: [], colour: io.colour });
      return `${heading(change)}\n\n${diff}`;
    }),
  );
  const text = texts.join('\n');
  if (io.columns() === null) {
    io.write(text);
    return;
  }
  // The pager is a shell's command line, which an agent could have written.
  await refuseGitConfigOfAgents(ports);
  const env = { ...process.env, LESS: io.env['LESS'] ?? 'FRX', LV: io.env['LV'] ?? '-c' };
  await ports.processes.runAtTerminal({
    command: await ports.git.pager(),
    cwd: ports.paths.root,
    env,
    input: text,
    keep: null,
  });
}

/** Has the user's program look at one change, and hands on what it prints. */
async function reviewIn(ports: Ports, command: string, change: StreamChange, io: Io): Promise<void> {
  const { streamId } = change.record;
  const inTmux = io.columns() !== null && (io.env['TMUX'] ?? '') !== '';
  const { exitCode, output, isCut } = await openReview(ports, command, change, inTmux);
  if (exitCode !== 0)
    throw new OrchestrateError(
      EXIT.unfinished,
      `review.command failed for ${streamId} (exit ${exitCode}); nothing was sent to its agent`,
      'correct "review.command" in .claude/orchestrator/config.json',
    );
  if (isCut)
    io.warn(`the notes for ${printable(streamId)} are cut: review.command printed more than is kept of it`);
  if (output.trim() === '') {
    io.print(`${printable(streamId)}: no notes`);
    return;
  }
  try {
    const how = await deliverNotes(ports, change.record, output);
    const next = how.typed
      ? 'were sent to its agent'
      : `are the first work of its agent; ${whoStarts(how.pollerAlive)}`;
    io.print(`${printable(streamId)}: the notes ${next}`);
  } catch (error) {
    // Not lost with the window of the program: they can be sent by hand.
    io.print(printable(output, output.length));
    io.warn(`these notes did not reach the agent; send them with: ${commandFor('send', streamId)} -`);
    throw error;
  }
}
