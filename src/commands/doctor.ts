/** `orchestrate doctor`: looks at everything a plan needs and says of each what is wrong and what to type, and of all whether a plan can start. Changes nothing. */

import { openProject, type Project } from '../app/project.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { plural } from '../core/printable.ts';
import { gitChecks } from '../doctor/git-checks.ts';
import {
  checkConfig,
  checkFiles,
  checkLaunchers,
  checkNotify,
  checkPermissions,
  checkState,
  checkStore,
  checkWorkspace,
} from '../doctor/project-checks.ts';
import {
  attempt,
  type CheckResult,
  checkAgent,
  checkNative,
  checkNode,
  checkRepository,
  checkTools,
  ok,
} from '../doctor/tool-checks.ts';
import { createStyle, type Style } from '../view/style.ts';
import type { CommandModule } from './definition.ts';
import { type Io, wantsUnicode } from './io.ts';

const MARKS = { ok: ['✓', '+', 'green'], warn: ['!', '!', 'yellow'], fail: ['✗', 'x', 'red'] } as const;

export const run: CommandModule['run'] = async (_args, flags, io) => {
  const found = await allChecks(io);
  const gates = flags['run-gates'] === true ? [await runGates(io)] : [];
  const checks = [...found, ...gates];
  if (io.json) io.print(JSON.stringify({ schemaVersion: 1, checks }));
  else for (const line of page(checks, io)) io.print(line);
  return checks.some(({ level }) => level === 'fail') ? EXIT.environment : EXIT.ok;
};

/** Runs the gates once on the base, as it is without any agent's work, in a worktree of ours that is removed again. */
async function runGates(io: Io): Promise<CheckResult> {
  const name = 'gates on the base';
  return attempt(name, async () => {
    let result = ok(name, 'all pass');
    const { withPorts } = await import('../app/wiring.ts');
    const { baseFailure } = await import('../landing/gates.ts');
    await withPorts(io, { create: false }, async (ports) => {
      if (ports.config.gates.length === 0) result = ok(name, 'there are none to run');
      // A landing runs them in the same worktree.
      const lease = ports.landingLease.acquire(0);
      if (lease === null) {
        const fix = 'run the command again when the landing has ended';
        result = { name, level: 'warn', message: 'not run: work is landing at the moment', fix };
        return EXIT.ok;
      }
      const tell = (progress: string): void => io.warn(progress);
      const records = ports.state.records(ports.plan.currentInitiative()?.id ?? '');
      const abort = new AbortController().signal;
      const why = await baseFailure({ ports, records, abort, tell }).finally(() => lease.release());
      const fix = 'fix the base first: no stream can pass a gate that the base does not';
      if (why !== null) result = { name, level: 'fail', message: why, fix };
      return EXIT.ok;
    });
    return result;
  });
}

/** The checks, each with what to type where something is wrong, and a last line that says what it comes to. */
function page(checks: readonly CheckResult[], io: Io): string[] {
  const style = createStyle({ colour: io.colour, unicode: wantsUnicode(io.env) });
  const mark = (level: CheckResult['level']): string => {
    const [symbol, ascii, colour] = MARKS[level];
    return style.paint(colour)(style.glyphs.bullet === '•' ? symbol : ascii);
  };
  const lines = checks.flatMap(({ name, level, message, fix }) => [
    `${mark(level)} ${style.paint('bold')(name)}: ${style.clean(message)}`,
    ...(fix === null ? [] : [`    fix: ${style.clean(fix)}`]),
  ]);
  return [...lines, '', verdict(checks, style)];
}

function verdict(checks: readonly CheckResult[], style: Style): string {
  const count = (level: CheckResult['level']): number =>
    checks.filter((check) => check.level === level).length;
  const [failed, warned] = [count('fail'), count('warn')];
  const warnings = plural(warned, 'warning');
  if (failed > 0)
    return style.paint('red')(
      `Not ready: ${plural(failed, 'problem')} to fix${warned === 0 ? '' : `, ${warnings}`}.`,
    );
  if (warned > 0) return style.paint('yellow')(`Ready, with ${warnings}.`);
  return style.paint('green')('Ready.');
}

async function allChecks(io: Io): Promise<CheckResult[]> {
  const tools = [checkNode(), checkNative(), ...(await checkTools(io))];
  const project = projectOrCheck(io);
  if ('level' in project) return [...tools, project];
  try {
    return [...tools, ...(await projectChecks(project))];
  } finally {
    project.close();
  }
}

function projectOrCheck(io: Io): Project | CheckResult {
  try {
    return openProject(io);
  } catch (error) {
    if (!(error instanceof OrchestrateError)) throw error;
    return { name: 'repository', level: 'fail', message: error.message, fix: error.fix };
  }
}

/** What depends on a readable configuration is left out when there is none: its one problem comes first. */
async function projectChecks(project: Project): Promise<CheckResult[]> {
  const config = checkConfig(project);
  const checks = [
    await attempt('files', async () => checkFiles(project)),
    await attempt('launchers', async () => checkLaunchers(project)),
    config,
    await attempt('directories', async () => checkPermissions(project)),
  ];
  if (config.level === 'fail') return checks;
  return [
    ...checks,
    await checkRepository(project),
    ...(await gitChecks(project)),
    ...(await checkAgent(project)),
    await checkNotify(project),
    checkWorkspace(project),
    await checkStore(project),
    await checkState(project),
  ];
}
