/** Shorter forms of stream ids for marks and lists: what all ids of a plan begin with is left out. */

/** Position behind the last separator of what all texts begin with. */
function sharedPrefix(ids: readonly string[]): number {
  const [first, ...rest] = ids;
  if (first === undefined || rest.length === 0) return 0;
  let length = first.length;
  for (const id of rest) {
    let same = 0;
    while (same < length && id[same] === first[same]) same += 1;
    length = same;
  }
  return first.slice(0, length).search(/[-_/.: ][^-_/.: ]*$/) + 1;
}

/** `Stream-B` as `B` when every id of the plan begins with `Stream-`; an id that would become empty stays whole. */
export function shortIds(ids: readonly string[]): ReadonlyMap<string, string> {
  const prefix = sharedPrefix(ids);
  return new Map(ids.map((id) => [id, id.slice(prefix) === '' ? id : id.slice(prefix)]));
}
