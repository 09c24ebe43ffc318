/** What keeps streams that were asked for by name from starting, and the command that starts all it takes. */
import { printable } from '../../core/printable.ts';
import { shellWord } from '../../core/shell-word.ts';
import type { ReportStream } from '../../report/types.ts';

/** Every stream that `stream` depends on and that is not done, farthest first. */
function missingFor(stream: ReportStream, byId: ReadonlyMap<string, ReportStream>): string[] {
  const missing = new Set<string>();
  const visit = (id: string): void => {
    const found = byId.get(id);
    if (found === undefined || found.state === 'done' || missing.has(id)) return;
    found.dependencies.forEach(visit);
    missing.add(id);
  };
  stream.dependencies.forEach(visit);
  return [...missing];
}

/** Two lines for each of `named` that still waits for others when the poller has ended; pure. */
export function heldBackLines(streams: readonly ReportStream[], named: readonly string[]): string[] {
  const byId = new Map(streams.map((stream) => [stream.id, stream]));
  return streams
    .filter((stream) => named.includes(stream.id) && stream.state === 'waiting')
    .flatMap((stream) => {
      const missing = missingFor(stream, byId);
      const words = [...missing, stream.id];
      const dashes = words.some((id) => id.startsWith('-')) ? '-- ' : '';
      return [
        `${printable(stream.id)} was not started: it waits for ${missing.map((id) => printable(id)).join(', ')}, and nothing is at work there`,
        `  ↳ orchestrate start ${dashes}${words.map(shellWord).join(' ')}`,
      ];
    });
}
