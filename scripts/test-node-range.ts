/** Fails when a package that ships with us, installed or bundled, refuses a Node release that package.json promises. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** The oldest we promise and the first release of each later long-term line that still gets fixes. */
const RELEASES = ['20.19.0', '22.12.0', '24.0.0'];

type Version = readonly [number, number, number];

function parse(text: string): Version {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map((part) => Number.parseInt(part, 10) || 0);
  return [major, minor, patch];
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** One comparator of a range: `>=20`, `^20.19.0`, `~20.1`, `20.x`, `*`. */
function meets(version: Version, comparator: string): boolean {
  const [, operator = '', text = ''] = /^(>=|<=|>|<|\^|~|=|v)?\s*v?(.*)$/.exec(comparator) ?? [];
  if (/^[x*]?$/.test(text)) return true;
  const bound = parse(text);
  const parts = text.split('.').filter((part) => !/^[x*]$/.test(part)).length;
  if (operator === '>=') return compare(version, bound) >= 0;
  if (operator === '<=') return compare(version, bound) <= 0;
  if (operator === '>') return compare(version, bound) > 0;
  if (operator === '<') return compare(version, bound) < 0;
  if (operator === '^') return version[0] === bound[0] && compare(version, bound) >= 0;
  if (operator === '~')
    return version[0] === bound[0] && (parts < 2 || version[1] === bound[1]) && compare(version, bound) >= 0;
  return bound.slice(0, Math.max(parts, 1)).every((part, index) => part === version[index]);
}

function allows(range: string, release: string): boolean {
  const version = parse(release);
  return range.split('||').some((part) =>
    part
      .trim()
      .replace(/(>=|<=|>|<|\^|~)\s+/g, '$1')
      .split(/\s+/)
      .every((one) => meets(version, one)),
  );
}

const lock: {
  packages: Record<string, { dev?: boolean; engines?: { node?: string } }>;
} = JSON.parse(readFileSync(`${root}/package-lock.json`, 'utf8'));

/** Packages in the bundle: the build lists them with their licences. */
const bundled = new Set(
  [...readFileSync(`${root}/dist/THIRD-PARTY-LICENSES.txt`, 'utf8').matchAll(/^(\S+) \d\S* \(/gm)].map(
    ([, name]) => `node_modules/${name}`,
  ),
);

const tooNarrow = Object.entries(lock.packages).flatMap(([name, { dev, engines }]) => {
  const range = engines?.node;
  if (range === undefined || (dev && !bundled.has(name))) return [];
  const refused = RELEASES.filter((release) => !allows(range, release));
  return refused.length === 0
    ? []
    : [`${name || 'this package'} ("${range}") refuses Node ${refused.join(', ')}`];
});
for (const line of tooNarrow) console.error(line);
console.error(
  `node range: ${RELEASES.join(', ')} ${tooNarrow.length === 0 ? 'allowed by every package' : 'not allowed'}`,
);
process.exitCode = tooNarrow.length === 0 ? 0 : 1;
