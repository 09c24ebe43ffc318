/** Refuses git work once settings that make git run programs were changed after the first worker started, unless by our own set-up. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setUpDir } from '../../app/paths.ts';
import type { Ports } from '../../app/ports.ts';
import { EXIT, OrchestrateError } from '../../core/errors.ts';
import { parseObject } from '../../core/json-fields.ts';
import { printable } from '../../core/printable.ts';
import type { StreamRecord } from '../../core/types.ts';
import { listIfPresent, readIfPresent } from '../../files/present.ts';
import { privateDirectory } from './step.ts';

type Settings = Readonly<Record<string, string>>;
type Eyes = Pick<Ports, 'git' | 'state' | 'paths' | 'plan' | 'now'>;

/** Names of settings that differ between two readings. */
function changedNames(before: Settings, now: Settings): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].filter((name) => before[name] !== now[name]).sort();
}

/** A step that was refused since such settings were changed. */
export class ChangedGitConfig extends OrchestrateError {}

/**
 * Keeps the executable settings (filters, merge drivers, …) as they were before the first worker, and throws exit 5 naming
 * those that a later reading finds changed: a worker can write them, and git would run them for us. What git itself noted of
 * a set-up (also of one that was cut off) is the user's own doing.
 */
export async function refuseChangedGitConfig(ports: Eyes): Promise<void> {
  const before = ports.state.gitConfig();
  if (before === null) {
    ports.state.setGitConfig(await ports.git.executableConfig());
    return;
  }
  const { now, changed, others } = await changesSince(before, ports);
  if (others.length > 0) throw refusal(others);
  // All of it stands in what git noted of set-ups, though not of which run.
  if (changed.length > 0) take(ports, changed, now, { key: null, run: null });
}

/** The same for what git runs at the user's command, where perhaps no agent was started yet: it keeps and changes nothing. */
export async function refuseGitConfigOfAgents(ports: Pick<Eyes, 'git' | 'state' | 'paths'>): Promise<void> {
  const before = ports.state.gitConfig();
  const others = before === null ? [] : (await changesSince(before, ports)).others;
  if (others.length > 0) throw refusal(others);
}

/** What was changed, and what of it by no set-up. */
async function changesSince(
  before: Settings,
  ports: Pick<Eyes, 'git' | 'paths'>,
): Promise<{ now: Settings; changed: readonly string[]; others: readonly string[] }> {
  const now = await ports.git.executableConfig();
  const changed = changedNames(before, now);
  const commands = changed.length === 0 ? [] : commandsOfSetups(ports);
  return {
    now,
    changed,
    others: changed.filter((name) => !commands.some((argv) => sets(argv, name, now[name]))),
  };
}

function refusal(names: readonly string[]): ChangedGitConfig {
  return new ChangedGitConfig(
    EXIT.refused,
    `git settings that run programs were changed since the first agent started: ${names.join(', ')} (undo the change, or accept it)`,
    'orchestrate start --accept-git-config',
  );
}

/** Takes the settings as they are now for the new reference; streams that failed for them are free again. */
export async function acceptGitConfig(ports: Eyes): Promise<void> {
  const now = await ports.git.executableConfig();
  take(ports, changedNames(ports.state.gitConfig() ?? now, now), now);
}

/** Makes what these settings are now the reference, says so (`of` a set-up, whose stream it names), and frees the streams that failed for them. */
function take(
  ports: Eyes,
  names: readonly string[],
  now: Settings,
  of: { readonly key: string | null; readonly run: number | null } | null = null,
): void {
  const kept = Object.entries(ports.state.gitConfig() ?? now).filter(([name]) => !names.includes(name));
  const fresh = Object.entries(now).filter(([name]) => names.includes(name));
  ports.state.setGitConfig(Object.fromEntries([...kept, ...fresh]));
  for (const { key, trouble } of ports.state.records(ports.plan.currentInitiative()?.id ?? '').values())
    if (trouble?.cause === 'git-config') ports.state.patchStream(key, { trouble: null });
  if (names.length === 0) return;
  const who = of === null ? 'changed' : 'changed by set-up';
  // Names alone: a value may hold a secret.
  const message = `git settings that run programs, ${who} and accepted: ${printable(names.join(', '))}`;
  const { key, run } = of ?? { key: null, run: null };
  ports.state.addEvent({ atMs: ports.now(), key, run, kind: 'git-config', message });
}

/** Watches over what a set-up changes, takes it for the new reference, and says so. */
export type SetupWatch = {
  readonly env: Readonly<Record<string, string>>;
  /** To be called after each command. */
  done(): Promise<void>;
  /** Forgets what git noted, once the whole set-up went well. */
  forget(): void;
};

/** Begins to watch. `env` makes every git command of the set-up write down what it is called with. */
export function watchSetup(
  ports: Ports,
  of: Pick<StreamRecord, 'key' | 'initiativeId'> & { readonly run: number | null },
): SetupWatch {
  const before = agents(ports, of);
  const done = async (): Promise<void> => {
    const now = await ports.git.executableConfig();
    const reference = ports.state.gitConfig();
    if (reference === null) return;
    const commands = commandsOfSetups(ports);
    const after = agents(ports, of);
    // While no agent lives, nobody but the set-up is there to have changed anything.
    const alone = before.living === 0 && after.living === 0 && before.seen === after.seen;
    const taken = changedNames(reference, now).filter(
      (name) => alone || commands.some((argv) => sets(argv, name, now[name])),
    );
    if (taken.length > 0) take(ports, taken, now, of.run === null ? { key: null, run: null } : of);
  };
  const trace = join(privateDirectory(setUpDir(ports.paths)), `${of.key}${TRACE}`);
  return { env: { GIT_TRACE2_EVENT: trace }, done, forget: () => rmSync(trace, { force: true }) };
}

const TRACE = '.git.json';

/** Other streams' runs that got a window: how many live, and which there were at all. */
function agents(
  ports: Ports,
  { key, initiativeId }: Pick<StreamRecord, 'key' | 'initiativeId'>,
): { living: number; seen: string } {
  const known = ports.state.records(initiativeId);
  const records = new Map([...known, ...ports.state.openRecords().readable]);
  const runs = [...records.values()]
    .filter((record) => record.key !== key)
    .flatMap((record) => record.runs.filter(({ pane }) => pane !== null));
  return {
    living: runs.filter(({ endedAtMs }) => endedAtMs === null).length,
    seen: runs.map((each) => `${each.key}#${each.number}`).join(),
  };
}

/** The arguments of every git command that a set-up ran, as git's trace (trace2, event format) has them. */
function commandsOfSetups(ports: Pick<Ports, 'paths'>): readonly (readonly string[])[] {
  const directory = setUpDir(ports.paths);
  const traces = listIfPresent(directory).filter((name) => name.endsWith(TRACE));
  const lines = traces.flatMap((name) => (readIfPresent(join(directory, name)) ?? '').split('\n'));
  return lines.filter((line) => line.startsWith('{"event":"start"')).map(argvOf);
}

/** A line that was cut off, or written by somebody else, names nothing. */
function argvOf(line: string): readonly string[] {
  const argv = parseObject(line)?.['argv'];
  return Array.isArray(argv) ? argv.filter((word) => typeof word === 'string') : [];
}

/** True when a git command gave the setting this very value; undefined: took it out. */
function sets(argv: readonly string[], name: string, value: string | undefined): boolean {
  const key = name.slice(name.lastIndexOf(' ') + 1);
  // It switches this on by itself.
  if (argv.includes('sparse-checkout')) return key === 'extensions.worktreeconfig';
  if (!argv.includes('config')) return false;
  const words = argv.map((word) => word.toLowerCase());
  if (value === undefined)
    return (
      words.some((word) => word.startsWith('--unset') || word === '--remove-section') &&
      words.some((word) => word === key || key.startsWith(`${word}.`))
    );
  const last = value.slice(value.lastIndexOf('\n') + 1);
  return words.includes(key) && argv.includes(last);
}
