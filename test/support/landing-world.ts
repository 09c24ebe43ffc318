/** A project whose streams become done at a word, without agents: for what happens to their work afterwards. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { Ports } from '../../src/app/ports.ts';
import { openProject } from '../../src/app/project.ts';
import { openPorts } from '../../src/app/wiring.ts';
import type { LandingReport } from '../../src/core/landing.ts';
import { initiativeOf, streamNames } from '../../src/look/snapshot.ts';
import { createProjectRig, type ProjectRig } from './worker-rig.ts';

export type LandingWorld = AsyncDisposable & {
  readonly rig: ProjectRig;
  readonly ports: Ports;
  /** Runs git in the main checkout, or in `cwd`, as the user would. */
  git(args: readonly string[], cwd?: string): string;
  /** The same where it may fail. */
  tryGit(args: readonly string[], cwd?: string): boolean;
  keyOf(stream: string): string;
  worktreeOf(stream: string): string;
  /** Starts a stream on its dependencies' heads, has `work` write in its worktree, commits, and takes that for verified. */
  finish(stream: string, work: (directory: string) => void): Promise<string>;
  /** Takes a commit of the stream, which began at `from`, for verified. */
  verify(
    stream: string,
    sha: string,
    from: { readonly sha: string; readonly parents: readonly string[] },
  ): Promise<void>;
  merge(
    args?: readonly string[],
  ): Promise<{ code: number | null; report: LandingReport | null; stderr: string }>;
};

/** Makes the project: `dependencies` by stream id. */
export async function createLandingWorld(
  dependencies: Readonly<Record<string, readonly string[]>>,
  options: { readonly config?: object; readonly tools?: readonly string[] } = {},
): Promise<LandingWorld> {
  const rig = await createProjectRig({ plan: dependencies, ...options });
  const project = openProject({ cwd: rig.root, env: rig.cli.env });
  const ports = await openPorts(project, { create: true });
  const initiative = initiativeOf(ports.plan.readPlan());
  const git = (args: readonly string[], cwd = rig.root): string =>
    execFileSync('git', args, { cwd, env: rig.cli.env, encoding: 'utf8', stdio: 'pipe' }).trimEnd();
  const recordOf = (stream: string) => ports.state.ensureStream(initiative, stream, streamNames(ports));
  const base = () =>
    ports.state.setInitiativeBase(initiative, { branch: 'main', sha: git(['rev-parse', 'main']) });
  const verify: LandingWorld['verify'] = async (stream, sha, from) => {
    const { key, verified } = recordOf(stream);
    assert.ok(await ports.git.setVerified(key, sha, verified?.sha ?? null));
    const facts = { sha, atMs: 1, adopted: false, run: 0, parents: from.parents };
    ports.state.patchStream(key, { branchMade: true, base: { ...from, atMs: 1 }, verified: facts });
    rig.setTasks(stream, 'completed');
  };
  return {
    rig,
    ports,
    git,
    tryGit: (args, cwd) => {
      try {
        git(args, cwd);
        return true;
      } catch (error) {
        if (error instanceof Error && 'status' in error) return false;
        throw error;
      }
    },
    keyOf: (stream) => recordOf(stream).key,
    worktreeOf: (stream) => recordOf(stream).worktree,
    async finish(stream, work) {
      const { key, branch, worktree, base: before } = recordOf(stream);
      const parents = (dependencies[stream] ?? []).map((on) => recordOf(on).verified?.sha ?? '');
      const merged =
        parents.length === 0
          ? { ok: true as const, sha: base().sha }
          : await ports.git.mergeBases(parents, 'base');
      assert.ok(merged.ok, `the dependencies of ${stream} clash`);
      const from = before ?? { sha: merged.sha, parents, atMs: 1 };
      await ports.git.ensureWorktree({
        path: worktree,
        branch,
        baseSha: from.sha,
        key,
        ours: before !== null,
      });
      work(worktree);
      git(['add', '--all'], worktree);
      git(['commit', '--quiet', '--allow-empty', '-m', `work of ${stream}`], worktree);
      const sha = git(['rev-parse', 'HEAD'], worktree);
      await verify(stream, sha, from);
      return sha;
    },
    verify,
    async merge(args = []) {
      const { code, stdout, stderr } = await rig.cli.run(['merge', '--json', ...args]);
      const line = stdout.trim();
      const report =
        line.startsWith('{') && !line.includes('"error":') ? (JSON.parse(line) as LandingReport) : null;
      return { code, report, stderr };
    },
    async [Symbol.asyncDispose]() {
      project.close();
      await rig[Symbol.asyncDispose]();
    },
  };
}
