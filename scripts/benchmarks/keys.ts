/** How soon the live summary answers a key, the first one too, and what it costs while nothing happens, with a thousand streams. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { shellWord } from '../../src/core/shell-word.ts';
import { createProjectRig, type ProjectRig } from '../../test/support/worker-rig.ts';
import { type Benchmark, byTurns, durationMs, type Figure, rest, shareOf } from './measure.ts';
import { amount, bigPlan } from './projects.ts';

const STREAMS = 1_000;
const KEYS = 40;
const STARTS = 5;
/** A quiet summary looks every 15 s: this holds two of its looks. */
const QUIET_MS = 30_000;
/** Longer than it takes to draw a picture that has begun to come. */
const STILL_MS = 400;

/** The least that a program can do with a key. */
const ECHO =
  "process.stdin.setRawMode(true).on('data', (key) => process.stdout.write(key)); process.stdout.write('ready')";

/** A command on a terminal of its own, and how long it takes until a key has changed what it shows. */
type Terminal = {
  readonly child: ChildProcess;
  /** Resolves when it has shown something that matches, and nothing more for a while. */
  still(shown: RegExp): Promise<void>;
  press(key: string): Promise<void>;
};

/** `script` gives it a terminal; on it `stty` says how large that is. */
function openTerminal(rig: ProjectRig, command: string): Terminal {
  const line = `stty cols 120 rows 40; exec ${command}`;
  const child = spawn('script', ['--quiet', '--flush', '--command', line, '/dev/null'], {
    cwd: rig.root,
    env: { ...rig.cli.env, TERM: 'xterm-256color' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let shown = '';
  let lastMs = 0;
  let heard = (): void => undefined;
  child.stdout.on('data', (chunk) => {
    shown = (shown + String(chunk)).slice(-200_000);
    lastMs = performance.now();
    heard();
  });
  return {
    child,
    async still(pattern) {
      while (!pattern.test(shown) || performance.now() - lastMs < STILL_MS) await rest(20)();
    },
    press: (key) =>
      new Promise((resolve) => {
        heard = resolve;
        child.stdin.write(key);
      }),
  };
}

/** The process of the summary itself, below `script` and its shell. */
function programOf({ child }: Terminal): number {
  const below = (pid: number): number[] =>
    execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
      .split('\n')
      .map(Number)
      .filter((each) => each > 0);
  const [pid] = below(child.pid ?? 0);
  if (pid === undefined) throw new Error('no process is on the terminal');
  return pid;
}

async function measure(): Promise<readonly Figure[]> {
  await using rig = await createProjectRig({ plan: { file: bigPlan(STREAMS) } });
  const watch = `${shellWord(process.execPath)} ${shellWord(CLI_ENTRY)} watch`;
  const plain = openTerminal(rig, `${shellWord(process.execPath)} -e ${shellWord(ECHO)}`);
  await plain.still(/ready/);
  const firsts: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    const fresh = openTerminal(rig, watch);
    await fresh.still(/Stream-0 /);
    firsts.push(await durationMs(() => fresh.press('j')));
    fresh.child.kill();
  }
  const summary = openTerminal(rig, watch);
  await summary.still(/Stream-0 /);
  const [keys, echoes] = await byTurns(KEYS, [
    () => durationMs(() => summary.press('j')),
    () => durationMs(() => plain.press('j')),
  ]);
  const quiet = await shareOf(programOf(summary), rest(QUIET_MS));
  for (const { child } of [summary, plain]) child.kill();
  const floor = { name: 'node that writes the key back', samples: echoes };
  const of = `with ${amount(STREAMS)} streams`;
  return [
    { name: `a key, ${of}`, unit: 'ms', samples: keys, floor },
    { name: `the first key, ${of}`, unit: 'ms', samples: firsts, floor },
    { name: `watch, quiet, ${of}`, unit: '% of a core', samples: [quiet], floor: null },
  ];
}

export const keys: readonly Benchmark[] = [
  {
    name: 'keys',
    summary: 'how soon the live summary answers a key, with 1,000 streams, and what it costs while quiet',
    run: measure,
  },
];
