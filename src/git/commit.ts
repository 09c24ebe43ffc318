/** Makes the commits that are ours to make (merges of bases, left-overs), in the user's name and signed as git is told to. */
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EXIT, messageOf, OrchestrateError } from '../core/errors.ts';
import { scratchDirectory } from '../files/scratch.ts';
import { withoutBornDirty } from './born-dirty.ts';
import { type CommandOptions, type Door, inChunks } from './door.ts';
import { MARK_VARIABLE } from './environment.ts';
import { type GitResult, gitFailure } from './failure.ts';
import { operationIn } from './inspect.ts';
import { withScratchObjects } from './scratch-objects.ts';
import { inWorktree, requireLink } from './worktree-link.ts';
import { flaggedFiles, readStatus } from './worktree-status.ts';

/** See `Git.commitTracked`. Throws exit 5 on no branch or in the middle of a merge or rebase; nothing to commit is fine. */
export async function commitTracked(door: Door, path: string, message: string): Promise<string> {
  const link = requireLink(door, path);
  const here = inWorktree(link, door.commonDir);
  const operation = operationIn(link);
  if (operation !== null) throw notNow(path, `a ${operation} is under way`);
  const branch = await door.ask(['symbolic-ref', '--quiet', 'HEAD'], here);
  if (branch.code !== 0) throw notNow(path, 'it is on no branch');
  const { changed } = await withoutBornDirty(door, link, await readStatus(door, link));
  const literal = { ...here, env: { ...here.env, GIT_LITERAL_PATHSPECS: '1' } };
  // Git would not add what flags in the index hide from it.
  const hidden = new Set(changed.length === 0 ? [] : await flaggedFiles(door, here));
  const seen = changed.map((entry) => entry.path).filter((each) => !hidden.has(each));
  for (const paths of inChunks(seen)) await door.write(['add', '--update', '--', ...paths], literal);
  const staged = await door.ask(['diff-index', '--cached', '--quiet', 'HEAD', '--'], here);
  if (staged.code > 1) throw gitFailure(['diff-index'], staged);
  if (staged.code === 1) {
    const args = ['commit', '--quiet', '--no-verify', '--cleanup=whitespace', '-m', message];
    await commitSigned(door, args, here);
  }
  return (await door.read(['rev-parse', '--verify', 'HEAD'], here)).trim();
}

/** Makes a commit of a tree, touching no ref, and returns its name; `env` may name another author, or dates. */
export type Committer = (
  door: Door,
  commit: { readonly tree: string; readonly parents: readonly string[]; readonly message: string },
  env?: Readonly<Record<string, string>>,
) => Promise<string>;

/** One that asks only once whose name to use, and whether to sign: by the user, signed where that needs nobody's answer. */
export async function committer(door: Door, unsigned: (why: string) => void): Promise<Committer> {
  const [named, wanted] = await Promise.all([author(door), isSigningWanted(door)]);
  let signs = wanted;
  // Not tried again for each of a line: what does not answer is waited for.
  const fails = (why: string): void => {
    signs = false;
    unsigned(why);
  };
  return async (there, { tree, parents, message }, env = {}) => {
    const links = parents.flatMap((parent) => ['-p', parent]);
    const where = { env: { ...named, ...env }, input: message.endsWith('\n') ? message : `${message}\n` };
    const args = ['commit-tree', tree, ...links, '-F', '-'];
    return (await commitAs(there, args, where, signs ? fails : null)).trim();
  };
}

/** The same for a single commit. */
export async function commitTree(door: Door, ...commit: Tail<Parameters<Committer>>): Promise<string> {
  return (await committer(door, unsignedNote(door)))(door, ...commit);
}

type Tail<List extends unknown[]> = List extends [unknown, ...infer Rest] ? Rest : never;

/** See `Git.identityTrouble`. */
export async function identityTrouble(door: Door): Promise<string | null> {
  const names = ['GIT_AUTHOR_IDENT', 'GIT_COMMITTER_IDENT'];
  const answers = await Promise.all(names.map((name) => door.ask(['var', name])));
  const failed = answers.findIndex(({ code }) => code !== 0);
  if (failed < 0) return null;
  const said = answers[failed]?.err.split('\n').filter((line) => line.trim() !== '') ?? [];
  return (said.at(-1) ?? `git var ${names[failed]} failed`).replace(/^fatal: /, '');
}

/** Variables that name us where git knows no name or address for the user, and would refuse. */
export async function author(door: Door): Promise<Record<string, string>> {
  if ((await identityTrouble(door)) === null) return {};
  return {
    GIT_AUTHOR_NAME: 'orchestrate',
    GIT_AUTHOR_EMAIL: 'orchestrate@localhost',
    GIT_COMMITTER_NAME: 'orchestrate',
    GIT_COMMITTER_EMAIL: 'orchestrate@localhost',
  };
}

/** Runs a command that commits, signed when that is wanted and possible, else not; returns what it printed. */
async function commitSigned(door: Door, args: readonly string[], where: CommandOptions): Promise<string> {
  const there = { ...where, env: { ...(await author(door)), ...where.env } };
  return commitAs(door, args, there, (await isSigningWanted(door)) ? unsignedNote(door) : null);
}

function unsignedNote(door: Door): (why: string) => void {
  return (why) => door.log(`not signed: ${why}`);
}

/** `fails` is told why signing, which is wanted, did not go; null: it is not wanted. */
async function commitAs(
  door: Door,
  args: readonly string[],
  there: CommandOptions,
  fails: ((why: string) => void) | null,
): Promise<string> {
  if (fails === null) return door.write(args, there);
  const signed = await trySigned(door, args, there);
  if (signed.code === 0) return signed.out;
  fails(signed.err.trim());
  return door.write(args, there);
}

/** Our own settings say never; what counts is what the user's say, which come before them. */
async function isSigningWanted(door: Door): Promise<boolean> {
  const { out } = await door.ask(['config', '--type=bool', '--get-all', 'commit.gpgSign']);
  return out.trim().split('\n').at(-2) === 'true';
}

/** A key that is to be touched, or an agent that asks on another screen, is not waited for. */
const SIGNING_LIMIT_MS = 20_000;
/**
 * Fails where the program would ask for a passphrase; git gives it its own arguments after these. The agent that keeps the user's
 * passphrases is started by it and stays: it is theirs, and carries no mark by which it would be ended as one of ours.
 */
const SIGNER = `#!/bin/sh
unset ${MARK_VARIABLE}
exec "$ORCHESTRATE_SIGNER" --batch --no-tty --pinentry-mode error "$@"
`;

/** The command's result with `-S`, in surroundings in which nothing can be asked. */
async function trySigned(door: Door, args: readonly string[], there: CommandOptions): Promise<GitResult> {
  const folder = scratchDirectory('signing', door.commonDir);
  const wrapper = join(folder, 'signer');
  try {
    const format = await setting(door, 'gpg.format', 'openpgp');
    const program = await signer(door, format);
    writeFileSync(wrapper, SIGNER);
    chmodSync(wrapper, 0o700);
    const silent = { SSH_ASKPASS: 'false', SSH_ASKPASS_REQUIRE: 'force', ORCHESTRATE_SIGNER: program };
    const [command = '', ...rest] = args;
    return await door.attempt([command, '-S', ...rest], {
      ...there,
      env: { ...there.env, ...silent },
      config: { ...there.config, ...(format === 'ssh' ? {} : { [`gpg.${format}.program`]: wrapper }) },
      timeLimitMs: SIGNING_LIMIT_MS,
    });
  } catch (error) {
    return { code: 128, out: '', err: messageOf(error) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function setting(door: Door, name: string, otherwise: string): Promise<string> {
  const { code, out } = await door.ask(['config', '--get', name]);
  return code === 0 && out.trim() !== '' ? out.trim() : otherwise;
}

/** The program that signs. Throws for one that may ask on a screen of its own. */
async function signer(door: Door, format: string): Promise<string> {
  if (format === 'ssh') {
    const program = await setting(door, 'gpg.ssh.program', 'ssh-keygen');
    if (basename(program) === 'ssh-keygen') return program;
    throw new Error(`${program} may ask for a confirmation`);
  }
  const usual = format === 'x509' ? 'gpgsm' : await setting(door, 'gpg.program', 'gpg');
  return setting(door, `gpg.${format}.program`, usual);
}

/** What keeps a commit from being signed, in the signing program's own words; null where none need be, or all is well. */
export async function signingTrouble(door: Door): Promise<string | null> {
  if (!(await isSigningWanted(door))) return null;
  return withScratchObjects(door, async (scratch) => {
    const env = await author(door);
    const index = { env: { ...env, GIT_INDEX_FILE: join(scratch.objects, 'index') } };
    const tree = (await scratch.write(['write-tree'], index)).trim();
    const result = await trySigned(scratch, ['commit-tree', tree, '-m', 'probe'], { env });
    return result.code === 0 ? null : result.err.trim();
  });
}

function notNow(path: string, why: string): OrchestrateError {
  return new OrchestrateError(
    EXIT.refused,
    `the changes in ${JSON.stringify(path)} were not committed: ${why}`,
    'finish or abort it in the worktree, then run the command again',
  );
}
