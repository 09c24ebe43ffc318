/** Finds the word the user may have meant. */

/** The candidate closest to `word`, null when none is close. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const limit = Math.max(1, Math.floor(word.length / 3));
  const [best] = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ candidate, distance }) => distance <= limit || (word.length > 2 && candidate.startsWith(word)))
    .sort((a, b) => a.distance - b.distance);
  return best?.candidate ?? null;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  const from = [...a];
  const to = [...b];
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, index) => index)];
  const cost = (row: number, column: number): number => rows[row]?.[column] ?? row + column;
  for (const [i, letter] of from.entries()) {
    const current = [i + 1];
    rows.push(current);
    for (const [j, other] of to.entries()) {
      const swapped =
        letter === to[j - 1] && other === from[i - 1] ? cost(i - 1, j - 1) + 1 : Number.POSITIVE_INFINITY;
      const replaced = cost(i, j) + (letter === other ? 0 : 1);
      current.push(Math.min(swapped, replaced, cost(i, j + 1) + 1, cost(i + 1, j) + 1));
    }
  }
  return cost(from.length, to.length);
}
