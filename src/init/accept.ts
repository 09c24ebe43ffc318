/** Asks which proposals are wanted: a person on a terminal, or `--yes`; without either none is taken, and that is said. */
import { NO_PROPOSALS, type Proposals } from './proposals.ts';

/** Who can be asked. */
export type Asker = {
  readonly interactive: boolean;
  readonly yes: boolean;
  readonly ask: (question: string) => Promise<string>;
};

/** What was accepted, and a line about what was not taken and why (null when nothing was passed over unasked). */
export async function accept(
  proposals: Proposals,
  asker: Asker,
): Promise<{ readonly accepted: Proposals; readonly passedOver: string | null }> {
  const commands = [
    ...proposals.setup.map(({ command }) => command),
    ...proposals.gates.map(({ gate }) => gate.command),
  ];
  if (asker.yes || commands.length === 0) return { accepted: proposals, passedOver: null };
  if (!asker.interactive) {
    return { accepted: NO_PROPOSALS, passedOver: `not taken without --yes: ${commands.join(', ')}` };
  }
  const setup: Proposals['setup'][number][] = [];
  for (const proposal of proposals.setup) {
    const { command, because } = proposal;
    if (await agreed(asker, `Run "${command}" in every new worktree (${because})?`)) setup.push(proposal);
  }
  const gates: Proposals['gates'][number][] = [];
  for (const proposal of proposals.gates) {
    const { gate, because } = proposal;
    if (await agreed(asker, `Count a stream as done only when "${gate.command}" passes (${because})?`)) {
      gates.push(proposal);
    }
  }
  return { accepted: { setup, gates }, passedOver: null };
}

async function agreed(asker: Asker, question: string): Promise<boolean> {
  const answer = await asker.ask(`${question} [Y/n] `);
  return !/^n/i.test(answer);
}
