/** Asks which proposals are wanted: a person on a terminal, or `--yes`; without either none is taken, and that is said. */
import type { Config } from '../app/config/load.ts';
import type { Proposals } from './proposals.ts';

/** Who can be asked. */
export type Asker = {
  readonly interactive: boolean;
  readonly yes: boolean;
  readonly ask: (question: string) => Promise<string>;
};

/** `accepted` includes what the configuration already holds; null when nothing new was accepted. */
export type Acceptance = {
  readonly accepted: Proposals | null;
  /** Commands that nobody could be asked about. */
  readonly passedOver: readonly string[];
};

/** Asks about what `current` (the configuration as it is) doesn't hold yet. */
export async function accept(proposals: Proposals, current: Config, asker: Asker): Promise<Acceptance> {
  const old = {
    setup: proposals.setup.filter(({ command }) => current.worktree.setup.includes(command)),
    gates: proposals.gates.filter(({ gate }) =>
      current.gates.some(({ command }) => command === gate.command),
    ),
  };
  const fresh = {
    setup: proposals.setup.filter((proposal) => !old.setup.includes(proposal)),
    gates: proposals.gates.filter((proposal) => !old.gates.includes(proposal)),
  };
  const commands = commandsOf(fresh);
  if (!asker.yes && !asker.interactive) return { accepted: null, passedOver: commands };
  const taken = asker.yes ? fresh : await askAbout(fresh, asker);
  if (commandsOf(taken).length === 0) return { accepted: null, passedOver: [] };
  return {
    accepted: { setup: [...old.setup, ...taken.setup], gates: [...old.gates, ...taken.gates] },
    passedOver: [],
  };
}

function commandsOf({ setup, gates }: Proposals): string[] {
  return [...setup.map(({ command }) => command), ...gates.map(({ gate }) => gate.command)];
}

async function askAbout(fresh: Proposals, asker: Asker): Promise<Proposals> {
  const setup: Proposals['setup'][number][] = [];
  for (const proposal of fresh.setup) {
    const { command, because } = proposal;
    if (await agreed(asker, `Run "${command}" in every new worktree (${because})?`)) setup.push(proposal);
  }
  const gates: Proposals['gates'][number][] = [];
  for (const proposal of fresh.gates) {
    const { gate, because } = proposal;
    if (await agreed(asker, `Count a stream as done only when "${gate.command}" passes (${because})?`)) {
      gates.push(proposal);
    }
  }
  return { setup, gates };
}

async function agreed(asker: Asker, question: string): Promise<boolean> {
  return !/^n/i.test(await asker.ask(`${question} [Y/n] `));
}
