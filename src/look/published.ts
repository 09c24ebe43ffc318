/**
 * What the poller saw of tmux and git, for processes that only watch it: written after each of its looks, and read instead of
 * asking again where that look began after whatever made the reader look. Anything else is no publication: then one looks oneself.
 */
import type { Ports } from '../app/ports.ts';
import { parseObject } from '../core/json-fields.ts';
import type { Known } from '../core/types.ts';
import { readIfPresent } from '../files/present.ts';
import { replaceFile } from '../files/replace-file.ts';
import { sha256 } from '../files/sha256.ts';
import type { RefFacts } from '../git/types.ts';
import type { TmuxFacts } from '../tmux/types.ts';

const VERSION = 1;

/** The outside of one look: when it began, what was asked, and what tmux and git said. */
export type Seen = {
  /** By a clock that all processes of this machine share and that nobody sets, in nanoseconds. */
  readonly sinceNs: bigint;
  /** The branches that were asked about, in short. */
  readonly question: string;
  readonly tmux: Known<TmuxFacts>;
  readonly refs: Known<RefFacts>;
};

/** The question in short: facts serve only who would have asked the same. */
export function questionOf(branches: ReadonlyMap<string, string>, landing: string | null): string {
  return sha256(JSON.stringify([landing, [...branches]]));
}

type Published = {
  readonly version: number;
  readonly bootId: string;
  /** The poller, which held the lease: its row in state.db is that of whoever holds it. */
  readonly pid: number;
  readonly start: string;
  readonly sinceNs: string;
  readonly question: string;
  readonly tmux: TmuxFacts;
  readonly heads: readonly (readonly [string, string])[];
  readonly verified: readonly (readonly [string, string])[];
  readonly tip: string | null;
};

type Surroundings = Pick<Ports, 'paths' | 'state' | 'processes'>;

/** Writes down what this process, the poller, has just seen. What could not be seen is not published: whoever wants it looks. */
export function publish(ports: Surroundings, { sinceNs, question, tmux, refs }: Seen): void {
  const poller = ports.state.poller();
  if (poller?.pid !== process.pid || !tmux.known || !refs.known) return;
  const published: Published = {
    version: VERSION,
    bootId: ports.processes.bootId(),
    pid: poller.pid,
    start: poller.start,
    sinceNs: String(sinceNs),
    question,
    tmux: tmux.value,
    heads: [...refs.value.heads],
    verified: [...refs.value.verified],
    tip: refs.value.tip,
  };
  replaceFile(ports.paths.published, JSON.stringify(published), 0o600);
}

/** What the living poller saw in a look that began after `afterNs` and asked the same; null for none. */
export function readPublished(
  ports: Surroundings,
  question: string,
  afterNs: bigint,
): Pick<Seen, 'tmux' | 'refs'> | null {
  const text = readIfPresent(ports.paths.published);
  const found = parseObject(text ?? '') as Published | null;
  const poller = ports.state.poller();
  if (found === null || poller === null || found.version !== VERSION) return null;
  const isPollers = found.pid === poller.pid && found.start === poller.start;
  if (!isPollers || !ports.processes.isAlive(poller) || found.bootId !== ports.processes.bootId())
    return null;
  if (found.question !== question || BigInt(found.sinceNs) <= afterNs) return null;
  const { tmux, tip } = found;
  const refs = { heads: new Map(found.heads), verified: new Map(found.verified), tip };
  return { tmux: { known: true, value: tmux }, refs: { known: true, value: refs } };
}
