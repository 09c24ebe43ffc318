/** `orchestrate generate`: Claude plans a feature in a draft store; what passes the verification becomes the plan, nothing else does. */
import { randomBytes } from 'node:crypto';
import { plannerProgram } from '../agent/create-agent.ts';
import { findCommand } from '../agent/find-command.ts';
import { CLI_ENTRY } from '../app/package-root.ts';
import { openProject, type Project } from '../app/project.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { printable } from '../core/printable.ts';
import { shellWord } from '../core/shell-word.ts';
import { type Attempt, type AttemptOptions, attemptPlan } from '../generate/attempt.ts';
import { type DraftFindings, failureBox, isSound, summaryText } from '../generate/draft-findings.ts';
import { initiativeFor } from '../generate/initiative.ts';
import { plannerPrompt, plannerRules } from '../generate/planner.ts';
import { refuseInsideRun, refuseSwitch } from '../operator/run-scope.ts';
import { projectMarks } from '../poller/marks.ts';
import { createProcesses } from '../process/processes.ts';
import { MARK_VARIABLE } from '../process/types.ts';
import {
  type Adopted,
  adoptDraft,
  type LinkedInitiative,
  type SoundDraft,
} from '../task-copilot/plan-draft.ts';
import { cut } from '../view/text-width.ts';
import { workerEnvironment } from '../worker/environment.ts';
import { type CommandModule, type Flags, usageError } from './definition.ts';
import { checkSetUp, setUpQuietly } from './init.ts';
import type { Io } from './io.ts';

/** Longest feature taken, in characters. */
const LONGEST_FEATURE = 100_000;
/** Time between asking the planner to end, and killing it. */
const GRACE_MS = 2_000;

/** Whether one more attempt is made after the first failed its verification. */
type Retry = 'yes' | 'no' | 'ask';

export const run: CommandModule['run'] = async (args, flags, io) => {
  refuseInsideRun(io.env, 'generate');
  const retry = retryOf(flags, io);
  const feature = await featureOf(args, io);
  const project = openProject(io);
  try {
    checkSetUp(project);
    const command = findClaude(project);
    await project.ownStore(false);
    const initiative = await initiativeFor(project, feature);
    await refuseSwitch(project, initiative.id, 'orchestrate stop && orchestrate generate');
    const made = await makePlan(feature, retry, attemptOptions(project, command, initiative, io), io);
    if (typeof made === 'number') return made;
    return await bringIn(project, made, io);
  } finally {
    project.close();
  }
};

function retryOf(flags: Flags, io: Io): Retry {
  const [yes, no] = [flags['retry'] === true, flags['no-retry'] === true];
  if (yes && no)
    throw usageError('--retry and --no-retry exclude each other', 'orchestrate generate --retry');
  if (yes) return 'yes';
  return no || !io.interactive ? 'no' : 'ask';
}

/** The feature: the arguments, all of stdin for `-`, or what the user answers. Throws exit 2 for none. */
async function featureOf(args: readonly string[], io: Io): Promise<string> {
  const isStdin = args.length === 1 && args[0] === '-';
  const given = isStdin ? await io.readStdin() : args.join(' ');
  const asked = given.trim() === '' && !isStdin && io.interactive;
  const text = asked ? await io.ask('What feature or initiative should I plan for orchestration? ') : given;
  const feature = text
    .replace(/\r\n?/g, '\n')
    .replace(/(?!\n)\p{Cc}/gu, ' ')
    .trim();
  const example = 'orchestrate generate "Implement user authentication with OAuth"';
  if (feature === '') throw usageError('generate needs a feature to plan', example);
  if (feature.length > LONGEST_FEATURE) {
    throw usageError(
      `the feature is longer than ${LONGEST_FEATURE} characters`,
      'put the details into a file of the repository and name it in the feature',
    );
  }
  return feature;
}

function findClaude(project: Project): string {
  const wanted = plannerProgram(project.config().agent).command;
  const found = findCommand(wanted, project.env['PATH'] ?? '', project.root);
  if (found !== null) return found;
  throw new OrchestrateError(
    EXIT.environment,
    `Claude Code is needed to plan, and the command ${printable(wanted, 200)} was not found`,
    'install Claude Code (https://claude.com/claude-code), or write the plan yourself',
  );
}

function attemptOptions(
  project: Project,
  command: string,
  initiative: LinkedInitiative,
  io: Io,
): AttemptOptions {
  const { root, env, paths } = project;
  const { args, model } = plannerProgram(project.config().agent);
  const processes = createProcesses();
  const self = processes.identify(process.pid) ?? { pid: process.pid, start: '' };
  const mark = `${projectMarks(root, self).own}/${randomBytes(4).toString('hex')}`;
  return {
    planner: {
      command,
      args,
      model,
      rules: plannerRules(paths),
      cwd: root,
      env: workerEnvironment(env, { [MARK_VARIABLE]: mark }),
    },
    projectRoot: root,
    workspace: project.workspace().id,
    initiative,
    server: { command: process.execPath, args: [CLI_ENTRY, 'mcp'] },
    verbose: io.verbose,
    endPlanner: () => processes.endTree({ roots: [], mark, graceMs: GRACE_MS }),
    ...(io.columns() === null || io.json ? { say: io.json ? io.warn : io.print, spin: null } : spinning(io)),
  };
}

/** Lines, and below them one that is redrawn all the time. */
function spinning(io: Io): Pick<AttemptOptions, 'say' | 'spin'> {
  const clear = '\r\u001b[K';
  return {
    say: (line) => io.print(`${clear}${line}`),
    spin: (line) => io.write(line === null ? clear : clear + cut(line, (io.columns() ?? 80) - 1, '~')),
  };
}

/** A plan that passed, or the exit code of an interruption. Throws exit 1 when no attempt gave one. */
async function makePlan(
  feature: string,
  retry: Retry,
  options: AttemptOptions,
  io: Io,
): Promise<SoundDraft | number> {
  options.say('Claude is planning; each task is shown as it is created (Ctrl-C leaves everything as it is).');
  const first = resultOf(await attemptPlan(plannerPrompt(feature, null), options));
  if (!('problems' in first)) return first.outcome;
  io.warn(failureBox(first, retry === 'ask'));
  const again = retry === 'yes' || (retry === 'ask' && /^y/i.test(await io.ask('[y/n] ')));
  if (!again) throw notPlanned(feature, first, retry === 'no');
  options.say('Planning again, with explicit tool enforcement.');
  const second = resultOf(await attemptPlan(plannerPrompt(feature, first.problems), options));
  if (!('problems' in second)) return second.outcome;
  io.warn(failureBox(second, false));
  throw notPlanned(feature, second, false);
}

/** What to do with an attempt: a plan or an exit code, or what its verification found. Throws exit 1 when it did not work. */
function resultOf(attempt: Attempt): { readonly outcome: SoundDraft | number } | DraftFindings {
  if (attempt.kind === 'interrupted') return { outcome: attempt.exitCode };
  if (attempt.kind === 'failed') {
    throw new OrchestrateError(
      EXIT.unfinished,
      `Claude Code could not plan: ${printable(attempt.why, 1_000)}; nothing was changed`,
      'claude -p hello',
    );
  }
  const { draft, findings } = attempt;
  return isSound(draft, findings) ? { outcome: draft } : findings;
}

function notPlanned(
  feature: string,
  { prds, streams, problems: [first = ''] }: DraftFindings,
  mayRetry: boolean,
): OrchestrateError {
  return new OrchestrateError(
    EXIT.unfinished,
    `no plan was made (PRDs found: ${prds}, streams found: ${streams}): ${printable(first, 400)}; nothing was changed`,
    mayRetry
      ? `orchestrate generate --retry -- ${shellWord(feature)}`
      : 'describe the feature more closely, or write the plan yourself',
  );
}

/** Makes the draft the plan, sets the project up, and says what is there now. */
async function bringIn(project: Project, draft: SoundDraft, io: Io): Promise<number> {
  const { storePath } = project.workspace();
  await refuseSwitch(project, draft.initiative.id, 'orchestrate stop && orchestrate generate');
  await project.ownStore(true);
  const adopted = adoptDraft(storePath, draft);
  try {
    await setUpQuietly(project, io);
  } finally {
    // Whoever leaves at one of its questions is told too: the plan is made.
    if (!io.json) io.print(`\n${summaryText(adopted)}`);
  }
  if (io.json) io.print(jsonOf(adopted));
  return EXIT.ok;
}

function jsonOf({ initiative, prd, streams, tasks, archivedTasks }: Adopted): string {
  const { id, title } = initiative;
  return JSON.stringify({ schemaVersion: 1, initiative: { id, title }, prd, streams, tasks, archivedTasks });
}
