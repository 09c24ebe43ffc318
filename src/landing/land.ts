/** Brings verified work into the landing branch: chooses, lays the line, has the gates judge it, moves the branch once; for `merge` and the poller alike. */
import type { Ports } from '../app/ports.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { chooseStreams, type LandingReport } from '../core/landing.ts';
import { printable } from '../core/printable.ts';
import { commandFor } from '../core/shell-word.ts';
import type { LandingStrategy, Snapshot, StreamState } from '../core/types.ts';
import type { Layer, Line, LineStream } from '../git/types.ts';
import { candidatesOf, landingBranch } from '../look/landed.ts';
import { initiativeOf } from '../look/snapshot.ts';
import { endLeftTools } from '../poller/left-processes.ts';
import { refuseChangedGitConfig } from '../poller/steps/git-config.ts';
import { gatherStates } from '../report/gather.ts';
import { firstFailure, gatesOf, holdsAs, removeScratch } from './gates.ts';
import { idOf, type Judged, type Landed, landingReport, messageOfStream } from './landing-report.ts';

export type LandRequest = {
  /** Ids of streams, with which all that they build on is meant; empty for all that is done. */
  readonly named: readonly string[];
  /** Null: the landing branch. */
  readonly into: string | null;
  /** Null: the configured one. */
  readonly strategy: LandingStrategy | null;
  readonly gates: boolean;
  readonly abort: AbortSignal;
  /** Told what is done at the moment. */
  readonly tell: (progress: string) => void;
};

/** How long another landing is waited for. */
const LEASE_WAIT_MS = 15_000;
/** How often a branch that moves meanwhile is laid on again. */
const MOST_LAYINGS = 5;
/** Files of a clash that an event names. */
const NAMED = 5;

/** What is to land, and where. */
type UnderWay = Landed & {
  readonly ports: Ports;
  readonly request: LandRequest;
  readonly streams: readonly LineStream[];
};

/** Says what landing would do, and leaves no trace. Throws as `land` does, but for what keeps the branch from moving. */
export async function landDry(ports: Ports, request: LandRequest): Promise<LandingReport> {
  const landing = await prepare(ports, request);
  const tip = await tipOf(ports, landing.branch, request.into);
  const line = await layLine(landing, tip, landing.wanted, false);
  const as =
    gatesOf(ports).length === 0 ? null : await holdsAs({ ports, records: landing.snapshot.records }, line);
  const gates = gatesFacts(landing, line, as, 'to-run');
  return landingReport(landing, { line, gates, rejected: [] }, true);
}

/**
 * Lands what is done. Throws exit 4 while another landing goes on, 5 when it would change what is not committed, 7 for a
 * branch that is not there, an AbortError when broken off: then nothing has moved.
 */
export async function land(ports: Ports, request: LandRequest): Promise<LandingReport> {
  const lease = (await ports.landingLease.acquire(0)) ?? (await waitForLease(ports, request));
  try {
    await endLeftTools(ports);
    await ports.git.finishMoves();
    return await landOn(await prepare(ports, request));
  } finally {
    lease.release();
  }
}

/** Finishes what a landing that was killed has left in checkouts; while another landing runs, that is left to it. Throws as `land` does. */
export async function finishLanding(ports: Ports): Promise<void> {
  const lease = await ports.landingLease.acquire(0);
  try {
    if (lease === null) return;
    await endLeftTools(ports);
    await ports.git.finishMoves();
  } finally {
    lease?.release();
  }
}

/** Lays, judges and moves, once more where the branch moved meanwhile; whatever comes of it, the line is forgotten. */
async function landOn(landing: UnderWay): Promise<LandingReport> {
  const { ports, request } = landing;
  try {
    for (let laying = 1; laying <= MOST_LAYINGS; laying += 1) {
      const judged = await judge(landing, await tipOf(ports, landing.branch, request.into));
      request.abort.throwIfAborted();
      if (judged.line.tip === judged.line.from || (await move(landing, judged.line))) {
        record(landing, judged);
        return landingReport(landing, judged, false);
      }
      request.tell(`${landing.branch} moved meanwhile: laying the line once more`);
    }
    throw new OrchestrateError(
      EXIT.busy,
      `${landing.branch} moved each time before the line was laid`,
      'run the command again when nobody commits there',
    );
  } finally {
    await ports.git.forgetLine(landing.branch);
  }
}

async function waitForLease(ports: Ports, { tell, abort }: LandRequest) {
  tell('waiting for another landing');
  const lease = await ports.landingLease.acquire(LEASE_WAIT_MS, abort);
  if (lease !== null) return lease;
  throw new OrchestrateError(
    EXIT.busy,
    'another orchestrate merge, or orchestrate start with landing.auto, is landing at the moment',
    'run the command again when it has ended',
  );
}

async function prepare(ports: Ports, request: LandRequest): Promise<UnderWay> {
  const { look, states } = await gatherStates(ports);
  const { snapshot } = look;
  const { plan, keys, records } = snapshot;
  const initiative = initiativeOf(plan);
  const branch = request.into ?? landingBranch(ports, initiative);
  if (branch === null) {
    // Throws exit 3 where nothing can start either: without a commit, or on no branch.
    await ports.git.baseTip(ports.config.baseBranch);
    throw new OrchestrateError(EXIT.unfinished, 'nothing of this plan was started yet', 'orchestrate start');
  }
  await refuseChangedGitConfig(ports);
  const strategy = request.strategy ?? ports.config.landing.strategy;
  const seen = request.into === null ? states : await asSeenBy(ports, { branch, snapshot, states });
  const choice = chooseStreams(plan.streams, seen, request.named);
  const streamOf = new Map(plan.streams.map((stream) => [keys.get(stream.id), stream]));
  const streams = candidatesOf({ plan, keys, records, initiative, branch }, ports.state).map((candidate) => ({
    ...candidate,
    message: messageOfStream(ports, strategy, streamOf.get(candidate.key), records.get(candidate.key)),
  }));
  const wanted = new Set(choice.wanted.map((id) => keys.get(id) ?? ''));
  return { ports, request, branch, strategy, snapshot, choice, streams, wanted };
}

/** The states, with what has landed on another branch than the landing branch. */
async function asSeenBy(
  ports: Ports,
  { branch, snapshot, states }: { branch: string; snapshot: Snapshot; states: readonly StreamState[] },
): Promise<readonly StreamState[]> {
  const tip = await tipOf(ports, branch, branch);
  const question = { ...snapshot, initiative: initiativeOf(snapshot.plan), branch };
  const there = await ports.git.contained(tip, candidatesOf(question, ports.state));
  return states.map((state) => ({ ...state, landed: there.has(state.key) }));
}

/** Tip of the branch. Throws exit 7 when it is not there, 3 when it is the plan's own that is gone. */
async function tipOf(ports: Ports, branch: string, into: string | null): Promise<string> {
  const tip = await ports.git.resolve(`refs/heads/${branch}`);
  if (tip !== null) return tip;
  if (into !== null || ports.config.landing.branch !== null)
    throw new OrchestrateError(
      EXIT.input,
      `there is no local branch ${JSON.stringify(branch)} to land on`,
      into === null ? 'correct "landing.branch" in .claude/orchestrator/config.json' : 'git branch --list',
    );
  const elsewhere = (await ports.git.resolve(branch)) !== null;
  throw new OrchestrateError(
    elsewhere ? EXIT.input : EXIT.environment,
    elsewhere
      ? `the plan started from ${JSON.stringify(branch)}, which is no local branch, so that nothing can land on it; name another with --into, or as "landing.branch" in config.json`
      : `the branch ${JSON.stringify(branch)}, from which the plan started, is gone; name another with --into, or as "landing.branch" in config.json`,
    'git branch --list',
  );
}

function layLine(landing: UnderWay, tip: string, wanted: ReadonlySet<string>, keep: boolean): Promise<Line> {
  const { ports, branch, strategy, streams } = landing;
  const unsigned = (why: string): void =>
    landing.request.tell(`its commits are not signed: ${printable(why.split('\n').at(-1) ?? '')}`);
  return ports.git.layLine({ tip, streams, wanted, strategy, branch, keep, unsigned });
}

/** The longest line that the gates pass: what fails is left out, with what builds on it. */
async function judge(landing: UnderWay, tip: string): Promise<Judged> {
  const { ports } = landing;
  const rejected: Rejected[] = [];
  const wanted = new Set(landing.wanted);
  try {
    for (;;) {
      const line = await layLine(landing, tip, wanted, true);
      const { gates, failure } = await underGates(landing, line);
      if (failure === null) return { line, rejected, gates };
      for (const key of [failure.layer.key, ...failure.layer.carries]) wanted.delete(key);
      const stream = idOf(landing, failure.layer.key);
      rejected.push({ stream, why: failure.why, remedy: commandFor('status', stream) });
      landing.request.tell(`${printable(stream)} is left out: ${failure.why}`);
    }
  } finally {
    await removeScratch(ports);
  }
}

type Rejected = LandingReport['rejected'][number];
/** A gate that fails with a layer. */
type Failure = { readonly layer: Layer; readonly why: string };

/** What the gates say of the line. Throws exit 1 when they fail on the branch as it is, which no stream can help. */
async function underGates(
  landing: UnderWay,
  line: Line,
): Promise<{ readonly gates: LandingReport['gates']; readonly failure: Failure | null }> {
  const { ports, request, snapshot } = landing;
  const run = { ports, records: snapshot.records, abort: request.abort, tell: request.tell };
  if (!request.gates || gatesOf(ports).length === 0 || line.layers.length === 0)
    return { gates: gatesFacts(landing, line, null, 'passed'), failure: null };
  const as = await holdsAs(run, line);
  const gates = gatesFacts(landing, line, as, 'passed');
  const failed = as === null ? await firstFailure(run, line) : null;
  if (failed === null) return { gates, failure: null };
  const { layer, why } = failed;
  if (layer === null) throw brokenBranch(landing, why);
  return { gates, failure: { layer, why } };
}

function brokenBranch({ branch }: UnderWay, why: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.unfinished,
    `on ${branch} itself, without any of the work, a ${why}; mend that first, or land with --no-gates`,
    'orchestrate doctor --run-gates',
  );
}

function gatesFacts(
  landing: UnderWay,
  line: Line,
  as: string | null,
  otherwise: 'passed' | 'to-run',
): LandingReport['gates'] {
  const names = gatesOf(landing.ports).map(({ name }) => name);
  if (names.length === 0 || line.layers.length === 0) return { status: 'none', names: [], as: null };
  if (!landing.request.gates) return { status: 'skipped', names, as: null };
  return as === null ? { status: otherwise, names, as } : { status: 'hold', names, as: idOf(landing, as) };
}

/** What landed is written down first: it counts only once the branch contains it. False when the branch moved meanwhile. */
async function move(landing: UnderWay, line: Line): Promise<boolean> {
  const { ports, branch, strategy, snapshot } = landing;
  const atMs = ports.now();
  ports.state.addLandings(
    line.layers.flatMap(({ key, carries, commits }) =>
      [key, ...carries].map((each) => ({
        initiativeId: initiativeOf(snapshot.plan),
        key: each,
        head: snapshot.records.get(each)?.verified?.sha ?? '',
        branch,
        commits,
        strategy,
        run: snapshot.records.get(each)?.verified?.run ?? 0,
        atMs,
      })),
    ),
  );
  return ports.git.moveBranch({ branch, from: line.from, to: line.tip });
}

/** Writes down what the user, `resolve` and the log want to know of it. */
function record(landing: UnderWay, { line, rejected }: Judged): void {
  const { ports, branch, snapshot } = landing;
  const note = (key: string, kind: 'landed' | 'not-landed', message: string): void =>
    ports.state.addEvent({ atMs: ports.now(), key, run: null, kind, message });
  for (const { key, carries, tip } of line.layers)
    for (const each of [key, ...carries]) note(each, 'landed', `landed on ${branch} as ${tip.slice(0, 10)}`);
  for (const { key, files, against } of line.clashes) {
    const ids = against.map((each) => idOf(landing, each));
    const head = snapshot.records.get(key)?.verified?.sha ?? '';
    ports.state.patchStream(key, { landingClash: { branch, tip: line.tip, head, files, against: ids } });
    const where = files.slice(0, NAMED).map((file) => printable(file));
    note(key, 'not-landed', `clashes with ${ids.join(', ') || branch} in ${where.join(', ')}`);
  }
  for (const key of withoutClash(landing, line)) ports.state.patchStream(key, { landingClash: null });
  for (const { stream, why } of rejected) note(snapshot.keys.get(stream) ?? '', 'not-landed', why);
}

/** Streams that clashed with this branch before, and were looked at without one now. */
function withoutClash({ branch, snapshot, wanted }: UnderWay, line: Line): readonly string[] {
  const clashing = new Set(line.clashes.map(({ key }) => key));
  return [...snapshot.records.values()].flatMap(({ key, landingClash }) =>
    landingClash?.branch === branch && wanted.has(key) && !clashing.has(key) ? [key] : [],
  );
}
