/** `orchestrate doctor`: looks at everything a plan needs and says of each what is wrong and what to type, and of all whether a plan can start. Changes nothing. */

import { openProject, type Project } from '../app/project.ts';
import { EXIT, OrchestrateError } from '../core/errors.ts';
import { plural } from '../core/printable.ts';
import { isCommand } from '../core/shell-word.ts';
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
import { hanging, type Page } from '../view/pages/paragraphs.ts';
import { createStyle, type Style } from '../view/style.ts';
import type { CommandModule } from './definition.ts';
import { type Io, wantsUnicode } from './io.ts';

const MARKS = { ok: ['✓', '+', 'green'], warn: ['!', '!', 'yellow'], fail: ['✗', 'x', 'red'] } as const;

export const run: CommandModule['run'] = async (_args, flags, io) => {
  const found = await allChecks(io);
  const gates = flags['run-gates'] === true ? await runGates(io) : null;
  if (typeof gates === 'number') return gates;
  const checks = gates === null ? found : [...found, gates];
  if (io.json) io.print(JSON.stringify({ schemaVersion: 1, checks }));
  else for (const line of page(checks, io)) io.print(line);
  return checks.some(({ level }) => level === 'fail') ? EXIT.environment : EXIT.ok;
};

/** Longest time between a signal and the end of the process: a gate under way gets it to end. */
const LEAVE_MS = 5_000;

/** What the gates say of the base; the exit code where a signal broke that off. */
async function runGates(io: Io): Promise<CheckResult | number> {
  const [{ withPorts }, { BASE_GATES, checkBaseGates }, { leaveOnSignals }] = await Promise.all([
    import('../app/wiring.ts'),
    import('../doctor/base-gates.ts'),
    import('../app/signals.ts'),
  ]);
  const leaving = leaveOnSignals(LEAVE_MS, () => undefined);
  const run = { abort: leaving.signal, tell: io.warn };
  let result = ok(BASE_GATES, 'not run');
  const check = async (): Promise<CheckResult> => {
    await withPorts(io, { create: false }, async (ports) => {
      result = await checkBaseGates(ports, run);
      return EXIT.ok;
    });
    return result;
  };
  try {
    const found = await attempt(BASE_GATES, check);
    return leaving.code() ?? found;
  } finally {
    leaving.stop();
  }
}

/** The checks, each with what to type where something is wrong, and a last line that says what it comes to. */
function page(checks: readonly CheckResult[], io: Io): string[] {
  const style = createStyle({ colour: io.colour, unicode: wantsUnicode(io.env) });
  const mark = (level: CheckResult['level']): string => {
    const [symbol, ascii, colour] = MARKS[level];
    return style.paint(colour)(style.glyphs.bullet === '•' ? symbol : ascii);
  };
  const look: Page = { style, columns: io.columns() ?? Number.POSITIVE_INFINITY };
  const lines = checks.flatMap(({ name, level, message, fix }) => {
    const lead = { plain: `x ${name}: `, shown: `${mark(level)} ${style.paint('bold')(name)}: ` };
    return [...hanging(look, lead, message), ...(fix === null ? [] : fixLines(fix, look))];
  });
  return [...lines, '', verdict(checks, style)];
}

/** A command is not broken: it is to be copied. */
function fixLines(fix: string, look: Page): string[] {
  const lead = '    fix: ';
  return isCommand(fix) ? [lead + look.style.clean(fix)] : hanging(look, { plain: lead, shown: lead }, fix);
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
    return [...tools, ...toldOnce(await projectChecks(project))];
  } finally {
    project.close();
  }
}

/** What keeps several checks from looking is told by the last of them, whose own matter it is: the store, the state. */
function toldOnce(checks: readonly CheckResult[]): CheckResult[] {
  return checks.filter(
    ({ level, message }, at) =>
      level !== 'fail' ||
      !checks.slice(at + 1).some((later) => later.level === 'fail' && later.message === message),
  );
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
