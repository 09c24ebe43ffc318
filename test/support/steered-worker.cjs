/**
 * A worker that a test steers: it notes its start in a ledger, says hello on the test's socket and then does what it is
 * told; without the test it ends. CommonJS, which starts the sooner.
 */
const { appendFileSync, existsSync, readFileSync } = require('node:fs');
const { connect } = require('node:net');

const [socketPath, ledger, stream, promptFile] = process.argv.slice(2);

/** Start time of a living process, null for none and for zombies. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? null : fields[19];
  } catch {
    return null;
  }
}

/** Workers of the same stream that live beside this one. */
function others() {
  const lines = existsSync(ledger) ? readFileSync(ledger, 'utf8').split('\n').filter(Boolean) : [];
  return lines
    .map((line) => JSON.parse(line))
    .filter((each) => each.stream === stream && startOf(each.pid) === each.start)
    .map((each) => each.pid);
}

const self = {
  stream,
  run: Number(process.env.ORCHESTRATE_RUN),
  pid: process.pid,
  start: startOf(process.pid),
};
const beside = others();
appendFileSync(
  ledger,
  `${JSON.stringify({ ...self, beside, atMs: Date.now(), bornMs: performance.timeOrigin })}\n`,
);

const socket = connect(socketPath);
const say = (message) => socket.write(`${JSON.stringify(message)}\n`);
socket.on('close', () => process.exit(86));
socket.on('error', () => process.exit(86));
say({
  hello: { ...self, beside, cwd: process.cwd(), env: process.env, argv: process.argv.slice(2), promptFile },
});
process.stdout.write(`worker of ${stream} is ready\n`);

function run({ id, script, args = [] }) {
  const { spawn } = require('node:child_process');
  const child = spawn('/bin/sh', ['-c', script, 'sh', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      out += String(chunk);
    });
  child.on('close', (code) => say({ id, code, out }));
}

function obey(order) {
  if (order.op === 'run') run(order);
  if (order.op === 'print') process.stdout.write(order.text, () => say({ id: order.id, code: 0, out: '' }));
  if (order.op === 'ignore-signals') {
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) process.on(signal, () => undefined);
    say({ id: order.id, code: 0, out: '' });
  }
  if (order.op === 'exit') process.exit(order.code);
}

let rest = '';
socket.setEncoding('utf8').on('data', (text) => {
  const lines = (rest + text).split('\n');
  rest = lines.pop();
  for (const line of lines) obey(JSON.parse(line));
});
