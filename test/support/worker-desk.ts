/** Where steered workers report in: a test waits for them by stream and tells each what to do. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { inTime } from './wait.ts';

export const STEERED_WORKER = fileURLToPath(new URL('steered-worker.cjs', import.meta.url));

/** What a worker says of itself at its start. */
export type Hello = {
  readonly stream: string;
  readonly run: number;
  readonly pid: number;
  readonly start: string;
  /** Pids of workers of the same stream that lived when it started. */
  readonly beside: readonly number[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
  readonly promptFile: string;
};

export type Worker = Hello & {
  /** Runs a shell script in its directory, with `$1`…; returns what it printed. Fails the test unless it exits 0. */
  sh(script: string, ...args: string[]): Promise<string>;
  print(text: string): Promise<void>;
  /** Writes and commits a file; returns the commit. */
  commit(path: string, text?: string): Promise<string>;
  /** Completes its tasks with `orchestrate task update`, as an agent does. */
  completeTasks(): Promise<void>;
  /** From now on it only dies by KILL. */
  ignoreSignals(): Promise<void>;
  exit(code: number): void;
  /** kill -9. */
  kill(): void;
  /** Resolves when its connection is gone; fails the test when it lives on. */
  end(): Promise<void>;
};

/** Agents that a steered worker can stand for: what they tell of themselves, a test writes where they would. */
export type StandInKind = 'claude' | 'codex' | 'opencode';

const VERSIONS: Readonly<Record<StandInKind, string>> = {
  claude: '2.1.331 (Claude Code)',
  codex: 'codex-cli 0.130.0',
  opencode: '1.0.0',
};

export type WorkerDesk = {
  /** A program (its path) that takes any arguments and is a steered worker. */
  standIn(kind: StandInKind): string;
  readonly socketPath: string;
  readonly ledger: string;
  /** The stream's next worker; fails the test when none comes. */
  next(stream: string): Promise<Worker>;
  onWorker(work: (worker: Worker) => Promise<void>): void;
  /** Everyone who ever said hello. */
  readonly seen: readonly Worker[];
  /** What went wrong in an `onWorker` handler. */
  readonly troubles: readonly unknown[];
  /** Starts noted in the ledger, in order. */
  starts(): {
    stream: string;
    run: number;
    pid: number;
    beside: number[];
    atMs: number;
    /** When its process came into being. */
    bornMs: number;
  }[];
  /** Fails the test when two workers of one stream ever lived at the same time, or a handler failed. */
  assertSound(): void;
  close(): Promise<void>;
};

/** Opens the desk in `directory`. */
export async function createWorkerDesk(directory: string): Promise<WorkerDesk> {
  const socketPath = join(directory, 'desk');
  const ledger = join(directory, 'ledger');
  const seen: Worker[] = [];
  const idle = new Map<string, Worker[]>();
  const waiting = new Map<string, ((worker: Worker) => void)[]>();
  const troubles: unknown[] = [];
  const sockets = new Set<Socket>();
  let handler: ((worker: Worker) => Promise<void>) | null = null;
  const hand = (worker: Worker): void => {
    const waiter = waiting.get(worker.stream)?.shift();
    if (waiter !== undefined) waiter(worker);
    else if (handler !== null) handler(worker).catch((error: unknown) => troubles.push(error));
    else idle.set(worker.stream, [...(idle.get(worker.stream) ?? []), worker]);
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    receive(socket, (worker) => {
      seen.push(worker);
      hand(worker);
    });
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  // A rig that could not be made whole must not keep the test's process for ever; who waits for a worker has a timer.
  server.unref();
  const starts: WorkerDesk['starts'] = () =>
    existsSync(ledger)
      ? readFileSync(ledger, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line))
      : [];
  return {
    standIn(kind) {
      const file = join(directory, kind);
      writeFileSync(file, standInScript(VERSIONS[kind], socketPath, ledger), { mode: 0o755 });
      return file;
    },
    socketPath,
    ledger,
    seen,
    troubles,
    starts,
    async next(stream) {
      const ready = idle.get(stream)?.shift();
      if (ready !== undefined) return ready;
      const came = new Promise<Worker>((resolve) => {
        waiting.set(stream, [...(waiting.get(stream) ?? []), resolve]);
      });
      return inTime(came, () => `no worker of ${stream} came`);
    },
    onWorker(work) {
      handler = work;
      for (const worker of [...idle.values()].flat()) hand(worker);
      idle.clear();
    },
    assertSound() {
      assert.deepEqual(troubles, []);
      const doubles = starts().filter(({ beside }) => beside.length > 0);
      assert.deepEqual(doubles, [], 'two workers of one stream lived at the same time');
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

function standInScript(version: string, socketPath: string, ledger: string): string {
  const program = [process.execPath, STEERED_WORKER, socketPath, ledger].map((each) => `'${each}'`).join(' ');
  return [
    '#!/bin/sh',
    `[ "$1" = --version ] && { echo '${version}'; exit 0; }`,
    `exec ${program} "$ORCHESTRATE_STREAM" '' "$@"`,
    '',
  ].join('\n');
}

type Answer = { readonly id: number; readonly code: number | null; readonly out: string };

/** Reads one connection: the hello, then answers to orders. */
function receive(socket: Socket, introduce: (worker: Worker) => void): void {
  const open = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  let serial = 0;
  const ask = (order: object): Promise<Answer> => {
    const answered = new Promise<Answer>((resolve, reject) => {
      // Nobody would say so any more, and the test would wait for ever.
      if (socket.destroyed) return reject(new Error('the worker had ended before it was asked'));
      serial += 1;
      open.set(serial, { resolve, reject });
      socket.write(`${JSON.stringify({ id: serial, ...order })}\n`);
    });
    return inTime(answered, () => `the worker does not answer ${JSON.stringify(order)}`);
  };
  const ended = new Promise<void>((resolve) =>
    socket.once('close', () => {
      for (const { reject } of open.values()) reject(new Error('the worker ended before it answered'));
      resolve();
    }),
  );
  // A worker that is killed resets its connection, of which whoever reads its lines is told too.
  const lines = createInterface({ input: socket });
  for (const each of [socket, lines]) each.on('error', () => undefined);
  lines.on('line', (line) => {
    const message = JSON.parse(line) as { hello?: Hello } & Answer;
    if (message.hello !== undefined) introduce(workerOf(message.hello, socket, ask, ended));
    else open.get(message.id)?.resolve(message);
    open.delete(message.id);
  });
}

function workerOf(
  hello: Hello,
  socket: Socket,
  ask: (order: object) => Promise<Answer>,
  ended: Promise<void>,
): Worker {
  const sh: Worker['sh'] = async (script, ...args) => {
    const { code, out } = await ask({ op: 'run', script, args });
    assert.equal(code, 0, `worker of ${hello.stream}: ${script}: ${out}`);
    return out.trimEnd();
  };
  return {
    ...hello,
    sh,
    end: () => inTime(ended, () => `the worker of ${hello.stream} lives on`),
    print: async (text) => void (await ask({ op: 'print', text })),
    commit: (path, text = `by ${hello.stream}, run ${hello.run}\n`) =>
      sh(
        'printf %s "$2" > "$1" && git add -- "$1" && git commit --quiet -m "Write $1" -- "$1" && git rev-parse HEAD',
        path,
        text,
      ),
    async completeTasks() {
      await sh(
        'orchestrate task list --json | grep -o "TASK-[A-Za-z0-9-]*" | sort -u | while read -r id; do orchestrate task update "$id" --status completed || exit 1; done',
      );
    },
    ignoreSignals: async () => void (await ask({ op: 'ignore-signals' })),
    exit: (code) => void socket.write(`${JSON.stringify({ op: 'exit', code })}\n`),
    kill: () => void process.kill(hello.pid, 'SIGKILL'),
  };
}
