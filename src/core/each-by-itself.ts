/** Does several things so that what fails for one keeps nothing from the others. */

/** Does the work for each, so that what fails for one stream keeps nothing from another; then throws the first failure. */
export function eachByItself<Item>(items: Iterable<Item>, work: (item: Item) => void): void {
  const failures: unknown[] = [];
  for (const item of items) {
    try {
      work(item);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
