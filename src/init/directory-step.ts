/** The directory `.claude/orchestrator` itself; removal leaves it as long as it holds anything that isn't ours alone. */
import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { type InitStep, kept, unchanged } from './change.ts';
import { cannotWrite } from './write.ts';

const WHAT = '.claude/orchestrator/';

export const DIRECTORY_STEP: InitStep = {
  name: 'directory',
  plan: ({ paths }) => {
    if (existsSync(paths.orchestratorDir)) return [unchanged(WHAT)];
    const make = () => {
      try {
        mkdirSync(join(paths.root, '.claude'), { recursive: true, mode: 0o755 });
        mkdirSync(paths.orchestratorDir, { mode: 0o700 });
      } catch (error) {
        throw cannotWrite(paths.orchestratorDir, error);
      }
    };
    return [{ verb: 'create', what: WHAT, note: null, apply: make }];
  },
  undo: ({ paths }, before) => {
    if (!existsSync(paths.orchestratorDir)) return [];
    const going = new Set(before.filter(({ verb }) => verb === 'remove').map(({ what }) => what));
    const left = readdirSync(paths.orchestratorDir).filter(
      (name) => !going.has(WHAT + name) && name !== '.init.json',
    );
    if (left.length > 0) return [kept(WHAT, `it still holds ${left.join(', ')}`)];
    const remove = () => {
      rmdirSync(paths.orchestratorDir);
      if (readdirSync(join(paths.root, '.claude')).length === 0) rmdirSync(join(paths.root, '.claude'));
    };
    return [{ verb: 'remove', what: WHAT, note: null, apply: remove }];
  },
};
