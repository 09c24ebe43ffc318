/** The three launchers in `.claude/orchestrator`: they call the installed command line and hold no logic. */
import { launcherText } from '../app/package-root.ts';
import type { InitStep } from './change.ts';
import { fileStep } from './file-step.ts';

const launcher = (does: string, words: string): string => launcherText(`"orchestrate init": ${does}`, words);

const HERE = '-C "$(dirname -- "$0")"';

export const LAUNCHER_STEPS: readonly InitStep[] = [
  fileStep('launcher orchestrate', {
    path: ({ paths }) => paths.launchers.orchestrate,
    content: () => launcher('the orchestrate command', '"$@"'),
    mode: 0o755,
  }),
  fileStep('launcher check-streams', {
    path: ({ paths }) => paths.launchers.checkStreams,
    content: () => launcher('orchestrate status of this project', `${HERE} status "$@"`),
    mode: 0o755,
  }),
  fileStep('launcher watch-status', {
    path: ({ paths }) => paths.launchers.watchStatus,
    content: () => launcher('orchestrate watch of this project', `${HERE} watch "$@"`),
    mode: 0o755,
  }),
];
