/** Ends what processes of ours that are gone have left running, found by its marks; decides nothing about runs. */
import type { Ports } from '../app/ports.ts';
import { plural } from '../core/printable.ts';
import type { MarkedProcess } from '../process/types.ts';
import { refuseSurvivors } from './steps/end-run.ts';

/** Time between asking something to end, and killing it. */
const GRACE_MS = 2_000;

type Surroundings = Pick<Ports, 'processes' | 'marks' | 'state' | 'now'>;

/** Ends all children (git, gates, set-up) of processes of ours that were killed, for the poller that takes their place. */
export async function endLeftChildren(ports: Surroundings): Promise<void> {
  await endLeft(ports, () => true);
}

/**
 * Ends the tools (git) of processes of ours that were killed, for a command that acts in their place: a git that goes on alone
 * would move a branch, or files, under its hands. What gates and set-up left stays: it may be a server that the next gate needs;
 * and so does a tool in a container, of whose process nobody can know from here whether it lives.
 */
export async function endLeftTools(ports: Surroundings): Promise<void> {
  const { marks, processes } = ports;
  await endLeft(
    ports,
    ({ mark, identity }) => !marks.isOfCommand(mark) && processes.numbersAsWe(identity.pid),
  );
}

/** Throws exit 5 when one will not end. */
async function endLeft(ports: Surroundings, which: (each: MarkedProcess) => boolean): Promise<void> {
  const { processes, marks } = ports;
  const left = processes.findMarked(marks.children).filter((each) => isLeft(ports, each) && which(each));
  if (left.length === 0) return;
  await endAll(ports, left, 'an earlier orchestrate');
  ports.state.addEvent({
    atMs: ports.now(),
    key: null,
    run: null,
    kind: 'poller-leftovers',
    message: `ended ${plural(left.length, 'process', 'processes')} that an earlier orchestrate left`,
  });
}

/**
 * Ends what is left when every known run and the poller have ended: what a gate or a setup command left in the background,
 * workers that nothing is remembered of. Children of living processes of ours stay. Returns how many there were.
 */
export async function endRemains(ports: Pick<Ports, 'processes' | 'marks'>): Promise<number> {
  const { processes, marks } = ports;
  const left = processes
    .findMarked(marks.all)
    .filter((each) => marks.parentOf(each.mark) === null || isLeft(ports, each));
  if (left.length > 0) await endAll(ports, left, 'this project');
  return left.length;
}

function isLeft({ processes, marks }: Pick<Ports, 'processes' | 'marks'>, { mark }: MarkedProcess): boolean {
  const parent = marks.parentOf(mark);
  return parent !== null && !processes.isAlive(parent);
}

async function endAll(
  { processes }: Pick<Ports, 'processes'>,
  left: readonly MarkedProcess[],
  whose: string,
): Promise<void> {
  const roots = left.map(({ identity }) => identity);
  refuseSurvivors(whose, await processes.endTree({ roots, mark: null, graceMs: GRACE_MS }));
}
