/** What a sweep harms a command in: a project where it has something to do, and agents that leave work behind. */
import { join } from 'node:path';
import type { Ended } from '../../test/support/cli-rig.ts';
import type { Worker } from '../../test/support/worker-desk.ts';
import { createProjectRig, type ProjectRig } from '../../test/support/worker-rig.ts';
import { createFault, type Fault, type FaultSpec } from './fault.ts';

export type Environment = Readonly<Record<string, string>>;

/** A project in which one command is about to be run. */
export type Scene = AsyncDisposable & {
  /** The private directory around everything. */
  readonly home: string;
  /** Runs the command, harmed by what `env` holds. A poller that goes on long after it was (`harmed`) is asked to end. */
  act(env: Environment, harmed?: () => boolean): Promise<Ended>;
  /** Runs it again, unharmed, and fails unless everything is as if it had been run once. */
  settle(): Promise<void>;
};

export type Verb = {
  readonly name: string;
  /** The first word after `orchestrate`, where that is not the name. */
  readonly command?: string;
  make(tools: readonly string[]): Promise<Scene>;
};

/** What happens to which calls of the system. */
export type FaultKind = Pick<FaultSpec, 'calls' | 'name' | 'what'>;

/** A fault of the verb's command at its `at`-th call in the scene; 0: the calls are only noted. */
export function faultIn(verb: Verb, scene: Scene, kind: FaultKind, at: number): Fault {
  return createFault({ ...kind, program: `cli.js ${verb.command ?? verb.name}`, under: scene.home, at });
}

/** Runs the verb's command unharmed, and tells on which file each such call was. */
export function recorder(verb: Verb, kind: FaultKind): () => Promise<readonly string[]> {
  return async () => {
    await using scene = await verb.make([]);
    using fault = faultIn(verb, scene, kind, 0);
    await scene.act(fault.env);
    return fault.calls();
  };
}

/** Workers that leave a commit and an ignored file each; what they made is noted. `onTrouble`: one that could not do its work. */
export function workEach(
  rig: ProjectRig,
  onTrouble?: (worker: Worker) => void,
): { readonly commits: string[]; readonly files: string[] } {
  const made = { commits: [] as string[], files: [] as string[] };
  const work = async (worker: Worker): Promise<void> => {
    // What one before it could not finish.
    if (onTrouble !== undefined) await worker.sh('git add --all && git commit --quiet -m "Go on" || true');
    made.commits.push(await worker.commit(`${worker.stream}-${worker.run}.txt`));
    await worker.sh(`echo "$1" > "kept-$2.ign"`, worker.stream, String(worker.run));
    made.files.push(join(worker.cwd, `kept-${worker.run}.ign`));
    rig.setTasks(worker.stream, 'completed');
    worker.exit(0);
  };
  rig.onWorker((worker) =>
    work(worker).catch((error: unknown) => {
      if (onTrouble === undefined) throw error;
      onTrouble(worker);
    }),
  );
  return made;
}

/** A project whose git ignores `*.ign`. */
export async function projectWithIgnored(
  plan: Readonly<Record<string, readonly string[]>>,
  tools: readonly string[],
  config: object = {},
): Promise<ProjectRig> {
  const rig = await createProjectRig({ plan, tools, config });
  rig.cli.write('.gitignore', '*.ign\n');
  rig.cli.git('add', '.gitignore');
  rig.cli.git('commit', '--quiet', '--message=Ignore');
  return rig;
}
