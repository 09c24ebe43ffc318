/** Remembers what `init` wrote, by hash, so that a later init or removal can tell our file from one somebody changed. */
import { rmSync } from 'node:fs';
import { readIfPresent } from '../files/present.ts';
import { sha256 } from '../files/sha256.ts';
import { writePrivately } from './write.ts';

/** Hashes of the files as we wrote them, by path relative to the project. */
export type Manifest = {
  /** True when the file still is what we last wrote there. */
  readonly isOurs: (name: string, content: string) => boolean;
  readonly record: (name: string, content: string) => void;
  readonly forget: (name: string) => void;
  /** Forgets everything and removes the manifest's own file. */
  readonly discard: () => void;
  /** Writes it back; an empty one is removed. */
  readonly save: () => void;
};

/** Reads the manifest at `path`; one that is missing or no longer one counts as empty: then every differing file is kept. */
export function openManifest(path: string): Manifest {
  const files = new Map(Object.entries(readFiles(path)));
  return {
    isOurs: (name, content) => files.get(name) === sha256(content),
    record: (name, content) => void files.set(name, sha256(content)),
    forget: (name) => void files.delete(name),
    discard: () => {
      files.clear();
      rmSync(path, { force: true });
    },
    save: () => {
      if (files.size === 0) rmSync(path, { force: true });
      else writePrivately(path, `${JSON.stringify({ files: Object.fromEntries(files) }, null, 2)}\n`, 0o600);
    },
  };
}

function readFiles(path: string): Record<string, string> {
  const text = readIfPresent(path);
  if (text === null) return {};
  try {
    const { files }: { files: unknown } = JSON.parse(text);
    return Object.fromEntries(Object.entries(files ?? {}).map(([name, sum]) => [name, String(sum)]));
  } catch (thrown) {
    // No JSON, or none of ours.
    if (thrown instanceof SyntaxError || thrown instanceof TypeError) return {};
    throw thrown;
  }
}
