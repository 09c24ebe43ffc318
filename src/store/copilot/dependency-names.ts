/** Dependencies between streams as tasks' metadata spells them. */
import { type Metadata, textList } from './rows.ts';

/** The streams that one task's metadata names under either key. */
export function namedDependencies(metadata: Metadata): string[] {
  return [...textList(metadata['dependencies']), ...textList(metadata['streamDependencies'])];
}

/**
 * The stream that a dependency means: itself, or, for the spelling of a task's title (`Stream-A: Title`,
 * `[Stream-A] Title`), the known stream it begins with; a text that fits no known stream is returned as it is.
 */
export function resolveDependency(text: string, known: ReadonlySet<string>): string {
  if (known.has(text)) return text;
  const bracketed = /^\[([^\]]+)\]/.exec(text)?.[1];
  if (bracketed !== undefined && known.has(bracketed)) return bracketed;
  for (let colon = text.indexOf(':'); colon !== -1; colon = text.indexOf(':', colon + 1)) {
    if (known.has(text.slice(0, colon))) return text.slice(0, colon);
  }
  return text;
}
