/** Finds out why an agent's work stays uncommitted, in the words of git or of the user's hook, without committing anything and without running a hook. */
import { join } from 'node:path';
import { runDir } from '../../app/paths.ts';
import { lastLines, printable } from '../../core/printable.ts';
import type { Run } from '../../core/types.ts';
import { readPartIfPresent } from '../../files/present.ts';
import type { Git } from '../../git/types.ts';
import type { Step } from './step.ts';

/** How much of what a run printed last is looked through. */
const TAIL_BYTES = 8_192;
/** Words by which a failed commit shows on a screen: git's own, and those of what usually runs as a hook. */
const COMMIT_FAILED =
  /\b(pre-commit|commit-msg|prepare-commit-msg|husky|lefthook|lint-staged|gpg|signing|passphrase|commit failed|failed to commit|hook)\b|^(fatal|error): /i;

/**
 * Why no commit could be made, as far as it shows: git knows no name; the last commit failed, by the agent's records or by
 * what it printed; signing asks for something. Null when nothing speaks for any of these.
 */
export async function commitObstacle(
  { ports }: Pick<Step, 'ports'>,
  run: Run | null,
): Promise<string | null> {
  const said = () =>
    run === null ? null : (ports.agentThatMade(run).failedCommit(run) ?? printedOfCommit(ports, run));
  const obstacle = await obstacleAtOnce(ports.git, said);
  if (obstacle !== null) return obstacle;
  const signing = await ports.git.signingTrouble();
  return signing === null ? null : `git cannot sign commits here: ${printable(signing, 300)}`;
}

/** The same by what shows at once; `said`: what the last commit said, when it failed. */
export async function obstacleAtOnce(
  git: Pick<Git, 'identityTrouble'>,
  said: () => string | null,
): Promise<string | null> {
  const identity = await git.identityTrouble();
  if (identity !== null) return `git cannot commit here: ${printable(identity, 300)}`;
  const words = said();
  return words === null ? null : `its commit failed: ${words}`;
}

function printedOfCommit(ports: Step['ports'], run: Run): string | null {
  const { conversation, transcripts } = ports.agentThatMade(run);
  const printed = transcripts(run).length > 0 ? null : tailOf(ports, run);
  if (printed === null) return null;
  // The first line may be the end of one; records of the agent's own are no words of git's, whatever they speak of.
  const lines = printed
    .split(/[\r\n]+/)
    .slice(printed.length < TAIL_BYTES ? 0 : 1)
    .filter((line) => conversation.output(line) === null);
  const last = lines.findLastIndex((line) => COMMIT_FAILED.test(printable(line).trim()));
  return last < 0 ? null : lastLines(lines.slice(0, last + 1).join('\n'));
}

/** The last lines that a run printed, in one; null for none. */
export function lastPrinted(ports: Step['ports'], run: Run, lines: number): string | null {
  const printed = tailOf(ports, run);
  return printed === null ? null : lastLines(printed, lines);
}

function tailOf({ paths }: Step['ports'], run: Run): string | null {
  return readPartIfPresent(join(runDir(paths, run.key, run.number), 'pane.log'), -TAIL_BYTES, TAIL_BYTES);
}
