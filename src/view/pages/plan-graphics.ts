/** The plan as a drawing: Mermaid and Graphviz sources that no id or name can break out of. */
import { printable } from '../../core/printable.ts';
import type { Plan, PlanStream } from '../../core/types.ts';

const MAX_LABEL = 80;

/** A Mermaid flowchart, arrows from dependency to dependent. */
export function planMermaid({ streams }: Plan): string {
  return ['flowchart TD', ...drawing(streams, mermaidNode, '-->')].join('\n');
}

/** A Graphviz digraph, arrows from dependency to dependent. */
export function planDot({ streams }: Plan): string {
  const head = ['digraph plan {', '  rankdir=LR;', '  node [shape=box];'];
  return [...head, ...drawing(streams, dotNode, '->', ';'), '}'].join('\n');
}

/** Nodes are numbered, so that ids are in labels only. Dependencies on streams that aren't there are drawn dangling. */
function drawing(
  streams: readonly PlanStream[],
  draw: (node: string, label: string, exists: boolean) => string,
  arrow: string,
  end = '',
): string[] {
  const nodes = new Map(streams.map((stream, at) => [stream.id, `s${at}`]));
  const missing = new Set(streams.flatMap((stream) => stream.dependencies).filter((id) => !nodes.has(id)));
  for (const id of missing) nodes.set(id, `s${nodes.size}`);
  const lines = [
    ...streams.map((stream) => draw(nodes.get(stream.id) ?? '', labelOf(stream), true)),
    ...[...missing].map((id) => draw(nodes.get(id) ?? '', `${printable(id, MAX_LABEL)} (missing)`, false)),
    ...streams.flatMap(({ id, dependencies }) =>
      dependencies.map((from) => `${nodes.get(from)} ${arrow} ${nodes.get(id)}${end}`),
    ),
  ];
  return lines.map((line) => `  ${line}`);
}

function labelOf(stream: PlanStream): string {
  const id = printable(stream.id, MAX_LABEL);
  return stream.name === stream.id ? id : `${id} (${printable(stream.name, MAX_LABEL)})`;
}

/** Mermaid reads `#nn;` as the character of that number; only letters, digits, spaces and a few marks stay as they are. */
function mermaidNode(node: string, label: string): string {
  const text = label.replace(/[^\p{L}\p{M}\p{N} .,_-]/gu, (character) => `#${character.codePointAt(0)};`);
  return `${node}["${text}"]`;
}

/** In Graphviz a backslash begins an escape and `&` an entity. */
function dotNode(node: string, label: string, exists: boolean): string {
  const text = label.replaceAll('&', '&amp;').replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  return `${node} [label="${text}"${exists ? '' : ', style=dashed'}];`;
}
