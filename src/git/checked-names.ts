/** Checks on every name that goes into a git command: commits, keys, branches; knows nothing of their meaning. */

import { EXIT, OrchestrateError } from '../core/errors.ts';
import { isKey } from '../core/stream-key.ts';

/** True for a full object name of either hash. */
export function isSha(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** The commit as given; throws exit 6 for anything but a full object name. */
export function checkedSha(sha: string): string {
  if (isSha(sha)) return sha;
  throw new OrchestrateError(
    EXIT.state,
    `${JSON.stringify(sha)} is not the name of a commit`,
    'orchestrate doctor',
  );
}

/** The key as given; throws exit 6 for one that no stream can have. */
export function checkedKey(key: string): string {
  if (isKey(key)) return key;
  throw new OrchestrateError(
    EXIT.state,
    `${JSON.stringify(key)} is not a stream's key`,
    'orchestrate doctor',
  );
}

/** True for a branch name that git accepts (`git check-ref-format --branch`), without asking git. */
export function isBranchName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git refuses control characters in names
  if (/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^[-/]|[/.]$/.test(name)) return false;
  return name !== '' && name !== '@' && name.split('/').every((part) => !/^\.|\.lock$/.test(part));
}

/** The branch as given; throws exit 7 for one that git would refuse. */
export function checkedBranch(name: string): string {
  if (isBranchName(name)) return name;
  throw new OrchestrateError(
    EXIT.input,
    `${JSON.stringify(name)} is not a branch name that git accepts`,
    'correct "branchPrefix" or "baseBranch" in .claude/orchestrator/config.json',
  );
}

/** "No such ref" as `update-ref` wants it, as long as the object names of this repository. */
export function noObject(sha: string): string {
  return '0'.repeat(sha.length);
}
