/** Remembers what `init` wrote, by hash, so that a later init or removal can tell our file from one somebody changed. */
import { rmSync } from 'node:fs';
import { fieldsOf, parseObject } from '../core/json-fields.ts';
import { readIfPresent } from '../files/present.ts';
import { sha256 } from '../files/sha256.ts';
import { writePrivately } from './write.ts';

/** Hashes of the files as we wrote them, by path relative to the project. */
export type Manifest = {
  /** True when the file still is what we last wrote there. */
  readonly isOurs: (name: string, content: string) => boolean;
  /** Written down at once, before the file is: whoever kills us in between leaves a file that is still known as ours. */
  readonly claim: (name: string, content: string) => void;
  readonly record: (name: string, content: string) => void;
  readonly forget: (name: string) => void;
  /** Forgets everything and removes the manifest's own file. */
  readonly discard: () => void;
  /** Writes it back; an empty one is removed. */
  readonly save: () => void;
};

/** Reads the manifest at `path`; one that is missing or no longer one counts as empty: then every differing file is kept. */
export function openManifest(path: string): Manifest {
  const { files, claims } = readSums(path);
  const settled = (name: string): Map<string, string> => {
    claims.delete(name);
    return files;
  };
  const save = () => {
    if (files.size + claims.size === 0) return rmSync(path, { force: true });
    const sums = {
      files: Object.fromEntries(files),
      ...(claims.size === 0 ? {} : { claims: Object.fromEntries(claims) }),
    };
    writePrivately(path, `${JSON.stringify(sums, null, 2)}\n`, 0o600);
  };
  return {
    isOurs: (name, content) => [files.get(name), claims.get(name)].includes(sha256(content)),
    claim: (name, content) => {
      claims.set(name, sha256(content));
      save();
    },
    record: (name, content) => void settled(name).set(name, sha256(content)),
    forget: (name) => void settled(name).delete(name),
    discard: () => {
      files.clear();
      claims.clear();
      rmSync(path, { force: true });
    },
    save,
  };
}

/** Hashes by path: of what was written, and of what was about to be when a writer was killed. */
type Sums = { readonly files: Map<string, string>; readonly claims: Map<string, string> };

function readSums(path: string): Sums {
  const text = readIfPresent(path);
  // No JSON, or none of ours, has no sums.
  const sums = text === null ? null : parseObject(text);
  const mapOf = (noted: unknown) =>
    new Map(Object.entries(fieldsOf(noted)).map(([name, sum]): [string, string] => [name, String(sum)]));
  return { files: mapOf(sums?.['files']), claims: mapOf(sums?.['claims']) };
}
