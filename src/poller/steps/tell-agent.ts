/** Types one message to a run's agent, as its user would; never beside what the user types, nor into what asks for an answer. */
import type { Run } from '../../core/types.ts';
import type { Step } from './step.ts';

const TYPING = 'someone is typing to the agent';
const ASKING = 'the agent asks something, which the message would answer';
const UNSENT = 'the agent has just asked something (the message stands at its prompt, unsent)';

/**
 * Returns why it was not told, null when it was. Whether it asks something is looked at before the first letter and again before
 * Enter, which means yes in most dialogs; `hasLeft`: it was just made to leave one, which its screen may still show.
 */
export async function tellAgent(
  { ports }: Pick<Step, 'ports'>,
  run: Run & { readonly pane: string },
  text: string,
  { hasLeft }: { readonly hasLeft: boolean },
): Promise<string | null> {
  const { agentThatMade, tmux } = ports;
  const { pane, worker } = run;
  const agent = agentThatMade(run);
  if (agent.hasDraft(await tmux.capture(pane, { colours: true }))) return TYPING;
  const isFree = async (): Promise<boolean> =>
    worker === null || (await agent.activity(run, worker, () => tmux.capture(pane))).dialog === null;
  if (!hasLeft && !(await isFree())) return ASKING;
  return (await tmux.typeText(pane, text, isFree)) ? null : UNSENT;
}
