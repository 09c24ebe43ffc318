/** Watches a directory of another program, which may come into being long after we began to look. */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Calls `onFile` with the name of each file that changes in `directory`, null where the system does not say. While there is
 * no such directory, the nearest one above is watched until it is there; that is no trouble. `onTrouble`: it cannot be watched.
 */
export function watchDirectory(
  directory: string,
  onFile: (name: string | null) => void,
  onTrouble: (error: unknown) => void,
): { close(): void } {
  let watcher: FSWatcher | null = null;
  let watched: string | null = null;
  let closed = false;
  const follow = (place: string): void => {
    watcher?.close();
    watched = place;
    watcher = watch(place, (_event, name) => (place === directory ? onFile(name) : approach()));
    watcher.on('error', onTrouble);
  };
  /** Watches as near to the directory as there is something. What comes into being meanwhile is met by looking again. */
  const approach = (): void => {
    if (closed) return;
    try {
      for (let place = nearest(directory); place !== watched; place = nearest(directory)) follow(place);
      if (watched === directory) onFile(null);
    } catch (error) {
      onTrouble(error);
    }
  };
  try {
    for (let place = nearest(directory); place !== watched; place = nearest(directory)) follow(place);
  } catch (error) {
    onTrouble(error);
  }
  return {
    close() {
      closed = true;
      watcher?.close();
    },
  };
}

/** The directory itself, or the nearest one above that is there. */
function nearest(directory: string): string {
  let place = directory;
  while (place !== dirname(place) && statSync(place, { throwIfNoEntry: false })?.isDirectory() !== true)
    place = dirname(place);
  return place;
}
