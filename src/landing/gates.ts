/** Runs the gates on commits of the landing line, in a worktree of ours, and finds the layer with which one began to fail. */
import { join } from 'node:path';
import { type CommandGate, commandGates } from '../app/config/config.ts';
import type { Ports } from '../app/ports.ts';
import { printable } from '../core/printable.ts';
import type { StreamRecord } from '../core/types.ts';
import type { Layer, Line } from '../git/types.ts';
import { streamNames } from '../look/snapshot.ts';
import { commandText } from '../poller/steps/gates.ts';
import { refuseGitConfigOfAgents } from '../poller/steps/git-config.ts';
import { howItEnded, privateDirectory, runCommand } from '../poller/steps/step.ts';
import { furnishAndSetUp } from '../poller/steps/worktree.ts';
import { commandEnvironment } from '../worker/environment.ts';

/** Under this name results are kept, by tree; no stream's key begins so. */
const KEY = '_landing';

export type GateRun = {
  readonly ports: Ports;
  readonly records: ReadonlyMap<string, StreamRecord>;
  readonly abort: AbortSignal;
  /** Told what runs. */
  readonly tell: (progress: string) => void;
};

/** A gate that fails with a layer, or (null) on the branch as it is. */
type Failure = { readonly layer: Layer | null; readonly why: string };

/** The gates that judge a tree by a command; a review judges the change of one stream, and did so. */
export function gatesOf({ config }: Pick<Ports, 'config'>): readonly CommandGate[] {
  return commandGates(config.gates);
}

/** Key of the stream whose verified tree the line's is, when all gates passed on that; null when they have to run. */
export async function holdsAs(run: Pick<GateRun, 'ports' | 'records'>, line: Line): Promise<string | null> {
  const { ports, records } = run;
  const verified = line.layers.flatMap(({ key, head }) =>
    records.get(key)?.verified?.sha === head ? [{ key, head }] : [],
  );
  const trees = await ports.git.trees(verified.map(({ head }) => head));
  const passedAll = ({ key, head }: { key: string; head: string }): boolean =>
    gatesOf(ports).every((gate) => hasPassed(ports, key, head, gate));
  return verified.find((each) => trees.get(each.head) === line.tree && passedAll(each))?.key ?? null;
}

function hasPassed(ports: Ports, key: string, sha: string, gate: CommandGate): boolean {
  const results = ports.state
    .gateResults(key, sha)
    .filter(({ name, command }) => name === gate.name && command === commandText(gate));
  return results.at(-1)?.exitCode === 0;
}

/** Runs the gates on the line's tip; null when all pass, else what fails first, found by halving the line. */
export async function firstFailure(run: GateRun, line: Line): Promise<Failure | null> {
  const { layers } = line;
  const last = layers.at(-1);
  if (last === undefined) return null;
  const why = await check(run, last.tip, last.tree);
  if (why === null) return null;
  const found = await halved(run, layers, why);
  if (found.at > 0) return found;
  const tree = (await run.ports.git.trees([line.from])).get(line.from) ?? line.from;
  const before = await check(run, line.from, tree);
  return before === null ? found : { layer: null, why: before };
}

/** The first layer with which a gate fails; the last one is known to. */
async function halved(
  run: GateRun,
  layers: readonly Layer[],
  whyLast: string,
): Promise<{ readonly layer: Layer | null; readonly at: number; readonly why: string }> {
  let why = whyLast;
  // Below `good` all is well as far as is known, at `bad` something fails.
  let [good, bad] = [0, layers.length - 1];
  while (good < bad) {
    const middle = Math.floor((good + bad) / 2);
    const layer = layers[middle];
    const failed = layer === undefined ? null : await check(run, layer.tip, layer.tree);
    if (failed === null) good = middle + 1;
    else [bad, why] = [middle, failed];
  }
  return { layer: layers[bad] ?? null, at: bad, why };
}

/** Runs all gates, whatever is known of them, on the plan's base as it is, in the worktree of ours, for which the landing lease must be held; the sentence naming the first that failed, null when all passed. */
export async function baseFailure(run: GateRun): Promise<string | null> {
  const { git, config } = run.ports;
  await refuseGitConfigOfAgents(run.ports);
  const { sha } = await git.baseTip(config.baseBranch);
  try {
    return await check(run, sha, (await git.trees([sha])).get(sha) ?? sha, false);
  } finally {
    await removeScratch(run.ports);
  }
}

/** Runs the gates on a commit; the sentence naming the first that failed, null when all passed, now or before on this tree. */
async function check(run: GateRun, commit: string, tree: string, mayBeKnown = true): Promise<string | null> {
  const { ports } = run;
  const open = gatesOf(ports).filter((gate) => !mayBeKnown || !hasPassed(ports, KEY, tree, gate));
  if (open.length === 0) return null;
  const path = scratchPath(ports);
  run.abort.throwIfAborted();
  await ports.git.scratchWorktree(path, commit);
  await furnishAndSetUp(run, {
    key: KEY,
    initiativeId: ports.plan.currentInitiative()?.id ?? '',
    worktree: path,
    run: null,
    env: environment(run, commit),
    tell: (kind, message) => run.tell(printable(kind === 'warning' ? `warning: ${message}` : message)),
  });
  // What set-up changed, and what every checkout shows as changed, is none of a gate's doing.
  await ports.git.noteBornDirty(path);
  for (const gate of open) {
    const failed = await runGate(run, gate, { path, commit, tree });
    if (failed !== null) return failed;
  }
  return null;
}

type Place = { readonly path: string; readonly commit: string; readonly tree: string };

async function runGate(run: GateRun, gate: CommandGate, place: Place): Promise<string | null> {
  const { ports } = run;
  const { path, commit } = place;
  const index = gatesOf(ports).findIndex(({ name }) => name === gate.name);
  const log = join(privateDirectory(join(ports.paths.logsDir, 'gates')), `${KEY}-${index + 1}.log`);
  run.tell(`running gate "${printable(gate.name)}"`);
  const startedAtMs = ports.now();
  const ended = await runCommand(run, {
    command: gate.command,
    cwd: join(path, gate.cwd),
    env: environment(run, commit),
    log,
    timeoutMs: gate.timeoutSeconds * 1000,
    endLeftovers: true,
  });
  const { timedOut } = ended;
  const rewrote = ended.exitCode === 0 ? await rewritten(ports, place) : null;
  const exitCode = rewrote === null ? ended.exitCode : null;
  const result = { key: KEY, sha: place.tree, name: gate.name, command: commandText(gate) };
  ports.state.addGateResult({ ...result, exitCode, timedOut, log, startedAtMs, endedAtMs: ports.now() });
  if (exitCode === 0) return null;
  return `gate "${printable(gate.name)}" ${rewrote ?? howItEnded(ended, gate.timeoutSeconds)}, log: ${log}`;
}

/** How a gate that passed has made another tree of what it judged; null when it has not. */
async function rewritten({ git }: Ports, { path, commit }: Place): Promise<string | null> {
  const facts = await git.inspect({ path, branch: '', baseSha: commit, parents: [] });
  if (!facts.intact || facts.headSha !== commit) return 'passed, but moved the worktree off the commit';
  const [first] = facts.changed;
  if (first === undefined) return null;
  const others = facts.changedCount === 1 ? '' : ` and ${facts.changedCount - 1} more`;
  return `passed only on what it changed itself (${printable(first)}${others})`;
}

/** As a stream's, with ports that no stream has. */
function environment({ ports, records }: GateRun, commit: string): Record<string, string> {
  const highest = Math.max(
    ports.config.worktree.portBase - 10,
    ...[...records.values()].map(({ port }) => port),
  );
  return commandEnvironment(ports, { streamId: 'landing', key: KEY, port: highest + 10 }, 0, commit);
}

function scratchPath(ports: Ports): string {
  return join(streamNames(ports).worktreeRoot, KEY);
}

/** Removes the worktree in which gates ran. */
export function removeScratch(ports: Ports): Promise<void> {
  return ports.git.removeScratchWorktree(scratchPath(ports));
}
