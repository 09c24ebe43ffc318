/** The directory `.claude/orchestrator` itself; removal leaves it as long as it holds anything that isn't ours alone. */
import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type InitStep, kept, unchanged } from './change.ts';
import { cannotWrite } from './write.ts';

const WHAT = '.claude/orchestrator/';

export const DIRECTORY_STEP: InitStep = {
  name: 'directory',
  plan: ({ paths }) => {
    const there = existsSync(paths.orchestratorDir);
    checkWritable(there ? paths.orchestratorDir : dirname(paths.orchestratorDir));
    if (there) return [unchanged(WHAT)];
    const make = () => {
      try {
        mkdirSync(dirname(paths.orchestratorDir), { recursive: true, mode: 0o755 });
        mkdirSync(paths.orchestratorDir, { mode: 0o700 });
      } catch (error) {
        throw cannotWrite(paths.orchestratorDir, error);
      }
    };
    return [{ verb: 'create', what: WHAT, note: null, apply: make }];
  },
  undo: ({ paths, manifest }, before) => {
    if (!existsSync(paths.orchestratorDir)) return [];
    const going = new Set(before.filter(({ verb }) => verb === 'remove').map(({ what }) => what));
    const left = readdirSync(paths.orchestratorDir).filter(
      (name) => !going.has(WHAT + name) && name !== '.init.json',
    );
    if (left.length > 0) return [kept(WHAT, `it still holds ${left.join(', ')}`)];
    const remove = () => {
      manifest.discard();
      rmdirSync(paths.orchestratorDir);
      const parent = dirname(paths.orchestratorDir);
      if (readdirSync(parent).length === 0) rmdirSync(parent);
    };
    return [{ verb: 'remove', what: WHAT, note: null, apply: remove }];
  },
};

/** Looks before anything is made: a file in the way or a directory of somebody else's is exit 3. */
function checkWritable(directory: string): void {
  try {
    const stat = statSync(directory, { throwIfNoEntry: false });
    if (stat?.isDirectory() === false) throw new Error('there is a file in its place');
    accessSync(stat === undefined ? dirname(directory) : directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw cannotWrite(directory, error);
  }
}
