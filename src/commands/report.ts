/** `report`: the whole plan as Markdown, or as data. */
import { withPorts } from '../app/wiring.ts';
import { EXIT } from '../core/errors.ts';
import { gatherPlanReport } from '../report/plan-report.ts';
import { markdownReport } from '../view/pages/markdown-report.ts';
import type { Flags } from './definition.ts';
import type { Io } from './io.ts';

export async function run(_args: readonly string[], _flags: Flags, io: Io): Promise<number> {
  return withPorts(io, { create: false }, async (ports) => {
    const report = await gatherPlanReport(ports);
    if (io.json) io.print(JSON.stringify(report));
    else for (const line of markdownReport(report)) io.print(line);
    return EXIT.ok;
  });
}
