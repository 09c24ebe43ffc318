/** Makes config.json: the keys people change first, with the accepted proposals; an existing one is only ever added to on request. */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { DEFAULT_CONFIG } from '../app/config/load.ts';
import type { InitContext, InitStep } from './change.ts';
import { fileStep } from './file-step.ts';
import { NO_PROPOSALS, type Proposals } from './proposals.ts';

export const CONFIG_STEP: InitStep = fileStep('config.json', {
  path: ({ paths }) => paths.config,
  content: wantedConfig,
  mode: 0o644,
});

/** True when proposals would go into the file: it isn't there, it is as we wrote it, or it is to be replaced. */
export function takesProposals(context: Omit<InitContext, 'accepted'>): boolean {
  const { paths, manifest, force } = context;
  if (!existsSync(paths.config) || force) return true;
  return manifest.isOurs(relative(paths.root, paths.config), readFileSync(paths.config, 'utf8'));
}

/** Null keeps what is there: without accepted proposals an existing file is never written anew. */
function wantedConfig(context: InitContext): string | null {
  const { accepted, paths, force } = context;
  const proposals = accepted ?? NO_PROPOSALS;
  const isNothing = proposals.setup.length === 0 && proposals.gates.length === 0;
  if (existsSync(paths.config) && isNothing && !force) return null;
  return configText(proposals);
}

function configText({ setup, gates }: Proposals): string {
  const config = {
    $schema: './config.schema.json',
    maxWorkers: DEFAULT_CONFIG.maxWorkers,
    agent: { kind: DEFAULT_CONFIG.agent.kind, permissions: DEFAULT_CONFIG.agent.permissions },
    gates: gates.map(({ gate }) => gate),
    worktree: { setup: setup.map(({ command }) => command), symlink: [] },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
