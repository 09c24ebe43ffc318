/** Tells whether a path is on a disk of another machine, where SQLite's log and locks cannot be relied on. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';

/** Linux' numbers for file systems over the network, from statfs(2). */
const NETWORK: Readonly<Record<number, string>> = {
  26985: 'NFS',
  20859: 'SMB',
  4283649346: 'CIFS',
  4266872130: 'SMB',
  1397113167: 'AFS',
  1937076805: 'Coda',
};

/** Name of the network file system that holds `path`, or the nearest directory above it that exists; null on others and where this cannot be told. */
export function networkDisk(
  path: string,
  typeOf: (path: string) => number = (each) => statfsSync(each).type,
): string | null {
  if (process.platform !== 'linux') return null;
  for (let place = path; ; place = dirname(place)) {
    try {
      return NETWORK[typeOf(place)] ?? null;
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (!missing || dirname(place) === place) return null;
    }
  }
}
