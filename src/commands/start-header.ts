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
  const { about } = ports.agent;
  row('agent', about.agent);
  row('workers', `at most ${config.maxWorkers} at once`);
  row('permissions', about.permissions);
  if (about.wall !== null) row('wall', about.wall);
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

function capsText({ limits, restart }: Config): string {
  const minutes = limits.maxMinutes === null ? 'no time limit' : `${limits.maxMinutes} min a stream`;
  const dollars = limits.maxCostUsd === null ? '' : `, ${limits.maxCostUsd} USD a stream`;
  return `${minutes}${dollars}, ${restart.maxAttempts} attempts in ${restart.windowMinutes} min`;
}
