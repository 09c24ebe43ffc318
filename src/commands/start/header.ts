/** What `start` prints first: the dependency structure, who may work and how, what the configuration will have run, the caps and how to attach. */
import { type Config, type SetupCommand, setupCommands } from '../../app/config/load.ts';
import type { Ports } from '../../app/ports.ts';
import { plural, printable } from '../../core/printable.ts';
import { AGENT_TRAITS } from '../../core/run-types.ts';
import type { Plan } from '../../core/types.ts';
import { initiativeOf } from '../../look/snapshot.ts';
import { planText } from '../../view/pages/plan-text.ts';
import { fold, spaced, unbroken } from '../../view/text-width.ts';
import type { Io } from '../io.ts';

/** Prints the header, with the structure of a plan that is new or `whole` (asked for); nothing with `--json`. */
export async function printHeader(ports: Ports, io: Io, whole = io.verbose): Promise<void> {
  if (io.json) return;
  const { config } = ports;
  const plan = ports.plan.readPlan();
  const begun = [...ports.state.records(initiativeOf(plan)).values()].some(({ runs }) => runs.length > 0);
  const columns = io.columns();
  const folded = (line: string, by: number): void => {
    for (const part of columns === null ? [line] : fold(line, columns, by)) io.print(spaced(part));
  };
  if (whole || !begun) io.print(planText(plan, columns));
  else folded(`Plan: ${planName(plan)} (its structure: ${unbroken('orchestrate plan')})`, 2);
  io.print('');
  const row = (name: string, text: string): void => folded(`  ${name.padEnd(12)} ${text}`, 13);
  const { about } = ports.agent;
  row('agent', about.agent);
  row('agents', `at most ${config.maxWorkers} at once`);
  // Of one that is any command the first row has it.
  if (AGENT_TRAITS[config.agent.kind].program !== null)
    row('command', bounded([config.agent.command, ...config.agent.args].join(' ')));
  row('permissions', about.permissions);
  if (about.wall !== null) row('wall', about.wall);
  row('setup', listText(setupCommands(config).map(placed)) ?? 'none');
  row('ahead', aheadText(config));
  row('gates', listText(config.gates.map(gateText)) ?? 'NONE');
  row('notify', notifyText(config.notify));
  row('caps', capsText(config));
  row('attach', await attachText(ports));
  io.print('');
}

function planName({ initiative, streams }: Plan): string {
  const title = initiative === null ? '' : `${printable(initiative.title)}, `;
  return `${title}${plural(streams.length, 'stream')}`;
}

/** How to get to the session: its own name, once it is there; before that another may have the name that it would get. */
async function attachText({ tmux, state }: Ports): Promise<string> {
  const look = await tmux.look(state.tmuxServer());
  return look.known && look.value.session !== null
    ? `${unbroken('orchestrate attach')}, or: ${unbroken(tmux.attachCommand())}`
    : 'orchestrate attach';
}

/** Commands longer than this are cut, and no more of them are shown than this; config.json has the rest. */
const LONGEST = 200;
const MOST = 20;

function bounded(text: string): string {
  return printable(text, LONGEST);
}

function notifyText({ command, preset, answers }: Ports['config']['notify']): string {
  const by = preset === null ? [] : [answers ? `${preset}, which takes answers` : preset];
  return [...(command === null ? [] : [bounded(command)]), ...by].join('; ') || 'no command';
}

/** Several commands of the configuration in one line; null for none. */
function listText(commands: readonly string[]): string | null {
  if (commands.length === 0) return null;
  const more = commands.length > MOST ? `, and ${commands.length - MOST} more (see config.json)` : '';
  return commands.slice(0, MOST).map(bounded).join(', ') + more;
}

/** A command and where it runs, unless that is the top. */
function placed({ command, cwd }: SetupCommand): string {
  return `${command}${cwd === '.' ? '' : ` (in ${cwd})`}`;
}

function aheadText({ worktree, maxWorkers }: Config): string {
  const most = worktree.ahead ?? maxWorkers;
  return most === 0
    ? 'no worktree before its stream starts'
    : `up to ${plural(most, 'worktree')} made and set up before their streams start`;
}

function gateText({ name, command, agent, cwd }: Config['gates'][number]): string {
  const how = agent ? `review by ${command ?? 'a second agent'}` : command;
  return `${name} (${how}${cwd === '.' ? '' : `, in ${cwd}`})`;
}

function capsText({ limits, restart }: Config): string {
  const minutes = limits.maxMinutes === null ? 'no time limit' : `${limits.maxMinutes} min a stream`;
  const dollars = limits.maxCostUsd === null ? '' : `, ${limits.maxCostUsd} USD a stream`;
  return `${minutes}${dollars}, ${plural(restart.maxAttempts, 'attempt')} in ${restart.windowMinutes} min`;
}
