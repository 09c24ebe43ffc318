/** What `start` prints first: the dependency structure, who may work and how, the gates, the caps and how to attach. */
import type { Config } from '../app/config/load.ts';
import type { Ports } from '../app/ports.ts';
import { printable } from '../core/printable.ts';
import { planText } from '../view/pages/plan-text.ts';
import type { Io } from './io.ts';

/** Prints the header; nothing with `--json`. */
export async function printHeader(ports: Ports, io: Io): Promise<void> {
  if (io.json) return;
  const { config } = ports;
  io.print(planText(ports.plan.readPlan()));
  io.print('');
  const row = (name: string, text: string): void => io.print(`  ${name.padEnd(12)} ${text}`);
  row('agent', agentText(config));
  row('workers', `at most ${config.maxWorkers} at once`);
  row('permissions', config.agent.kind === 'custom' ? "the command's own" : permissionText(config));
  row(
    'gates',
    config.gates.length === 0
      ? 'NONE'
      : config.gates.map((gate) => printable(`${gate.name} (${gate.command})`)).join(', '),
  );
  row('caps', capsText(config));
  row('attach', ports.tmux.attachCommand());
  io.print('');
}

function agentText({ agent }: Config): string {
  const model = agent.model === null ? '' : `, model ${printable(agent.model)}`;
  return agent.kind === 'custom'
    ? `custom: ${printable([agent.command, ...agent.args].join(' '))}`
    : `Claude Code, ${agent.mode}${model}`;
}

function permissionText({ agent }: Config): string {
  return agent.permissions === 'bypass'
    ? 'BYPASS: every permission check of the agent is off'
    : agent.permissions;
}

function capsText({ limits, restart }: Config): string {
  const minutes = limits.maxMinutes === null ? 'no time limit' : `${limits.maxMinutes} min a stream`;
  const dollars = limits.maxCostUsd === null ? '' : `, ${limits.maxCostUsd} USD a stream`;
  return `${minutes}${dollars}, ${restart.maxAttempts} attempts in ${restart.windowMinutes} min`;
}
