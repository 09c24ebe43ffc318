/** Writes down that a worker was started, which lives whatever of that fails: its claim and the tags of its pane tell of it too. */
import { eachByItself } from '../../core/each-by-itself.ts';
import { messageOf } from '../../core/errors.ts';
import type { StreamRecord } from '../../core/types.ts';
import type { ServerIdentity } from '../../tmux/types.ts';
import { closeWindow } from './end-run.ts';
import { isEnded, note, type Step } from './step.ts';

/** A worker's window, as it was opened. `askedAtMs`: all that its agent prints comes after that. */
export type OpenedWindow = {
  readonly pane: string;
  readonly server: ServerIdentity;
  readonly askedAtMs: number;
};

/** Notes the window of run `run`, and closes that of the run before (`record` is of before the launch); throws what cannot be told. */
export async function noteLaunch(
  step: Step,
  record: StreamRecord,
  run: number,
  { pane, server, askedAtMs }: OpenedWindow,
): Promise<void> {
  const { state, tmux } = step.ports;
  const { key } = record;
  let isCalledOff = false;
  const writes = [
    () => state.patchRun(key, run, { pane, server }),
    () => {
      isCalledOff = isEnded(step, key, run);
      if (!isCalledOff) state.patchStream(key, { fresh: false });
    },
    () => {
      const told = run === 1 ? 'started' : `started again (run ${run})`;
      if (!isCalledOff) note(step, key, run, 'launched', told, askedAtMs);
    },
  ];
  try {
    eachByItself(writes, (write) => write());
    // Called off at the last moment: its fence, or the claim, sees to the worker, but nobody knew of the window.
    if (isCalledOff) await closeWindow({ tmux }, pane, { key, number: run });
    else await closeFormerPane(step, record);
  } catch (error) {
    const message = `its agent was started, but not all that goes with it was done: ${messageOf(error)}`;
    note(step, key, run, 'launch-error', message);
  }
}

/** The dead pane of the run before is of no more use once the next one lives. */
async function closeFormerPane(step: Step, record: StreamRecord): Promise<void> {
  const former = record.runs.at(-1);
  const { config, state } = step.ports;
  if (former?.pane == null || config.finishedWindows === 'keep' || former.server !== state.tmuxServer())
    return;
  await closeWindow(step.ports, former.pane, former);
}
