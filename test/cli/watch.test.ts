/** `watch` on terminals of many sizes: exactly what the summary says, in its place, after every change and resize. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLI_ENTRY } from '../../src/app/package-root.ts';
import { createCockpit } from '../../src/view/summary/cockpit.ts';
import { drawCockpit } from '../../src/view/summary/cockpit-draw.ts';
import { update } from '../../src/view/summary/cockpit-keys.ts';
import { layoutOf } from '../../src/view/summary/layout.ts';
import { openTerminal, type Size, type TmuxClient } from '../support/tmux-client.ts';
import { until } from '../support/wait.ts';
import { createProjectRig, type ProjectRig, planFile } from '../support/worker-rig.ts';

const SIZES: readonly Size[] = [40, 80, 120, 200].flatMap((columns) =>
  [10, 24, 60].map((rows) => ({ columns, rows })),
);

/** Thirty streams in three depths, with names that are wide, long, combined and hostile. */
function plan(): object {
  const names = [
    '統合テスト・日本語の長い名前',
    'x'.repeat(120),
    'e\u0301te\u0301 \u0dda',
    '👩‍💻 family',
    'plain',
  ];
  const file = planFile(
    Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`Stream-${i}`, i < 10 ? [] : [`Stream-${i - 10}`]]),
    ),
  ) as { streams: { name: string }[] };
  return {
    ...file,
    streams: file.streams.map((stream, i) => ({ ...stream, name: names[i % names.length] })),
  };
}

const withoutTimes = (text: string): string =>
  text
    .replace(/\d+[smh]/g, '#s')
    // The cursor stays where it was, while the picture that is compared begins again.
    .replace(/^[>▸] /, '')
    .replace(/ +/g, ' ')
    .trim();

/** Waits until the terminal shows what the summary of this moment says, line by line, and nothing else. */
async function showsTheSummary(
  rig: ProjectRig,
  terminal: TmuxClient,
  size: Size,
  unicode: boolean,
): Promise<void> {
  let shown: string[] = [];
  let said: string[] = [];
  await until(`the summary on ${size.columns} by ${size.rows}`, async () => {
    const options = { ...size, colour: false, unicode, nowMs: Date.now(), session: false };
    const { model } = update(createCockpit(true), { kind: 'report', report: await rig.look() }, size);
    const { head, titles, list, shown: rows, foot } = layoutOf(model.rows, size);
    // Where it has scrolled to is the cursor's matter, and what the panel tells is read later.
    const above = head + titles + (model.rows.length > list ? 0 : rows);
    const parts = (lines: readonly string[]) =>
      [...lines.slice(0, above), ...lines.slice(size.rows - foot + (foot === 1 ? 1 : 0))].map(withoutTimes);
    said = parts(drawCockpit(model, options));
    shown = parts(terminal.screen().replace(/\n$/, '').split('\n'));
    return said.join('\n').trimEnd() === shown.join('\n').trimEnd() ? true : null;
  }).catch(() => assert.deepEqual(shown, said));
}

for (const [name, env, unicode] of [
  ['in colour and unicode', {}, true],
  ['with LANG=C and NO_COLOR', { LANG: 'C', NO_COLOR: '1' }, false],
] as const) {
  test(`${name} the live summary fits every size, and follows changes and resizes without a trace`, async () => {
    await using rig = await createProjectRig({ plan: { file: plan() } });
    const first: Size = { columns: 100, rows: 30 };
    const argv = [process.execPath, CLI_ENTRY, 'watch', '60'];
    using terminal = openTerminal(argv, first, { ...rig.cli.env, ...env }, rig.root);
    await showsTheSummary(rig, terminal, first, unicode);
    for (const [i, size] of SIZES.entries()) {
      terminal.resize(size);
      await showsTheSummary(rig, terminal, size, unicode);
      rig.setTasks(`Stream-${i}`, i % 2 === 0 ? 'completed' : 'blocked', {
        notes: 'no-changes: nothing to do',
      });
      await showsTheSummary(rig, terminal, size, unicode);
    }
    terminal.press('q');
  });
}
