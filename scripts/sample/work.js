/** What the scripted worker writes for each task of the sample plan: real code and real tests, in place of a model's thinking. */

/** Files by task title. */
export const WORK = {
  'Add the unit registry': {
    'src/registry.js': `const units = new Map();

/** Makes a unit known: toBase and fromBase convert to and from its kind's base unit. */
export function register(unit) {
  units.set(unit.name, unit);
}

/** The unit of this name; throws for an unknown one. */
export function find(name) {
  const unit = units.get(name);
  if (unit === undefined) throw new Error(\`unknown unit: \${name}\`);
  return unit;
}
`,
  },
  'Test the registry': {
    'test/registry.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { find, register } from '../src/registry.js';

test('a unit is found by its name', () => {
  const unit = { name: 'x', kind: 'k', toBase: (v) => v, fromBase: (v) => v };
  register(unit);
  assert.equal(find('x'), unit);
});

test('an unknown unit is an error that names it', () => {
  assert.throws(() => find('parsec'), /parsec/);
});
`,
  },
  'Register the units of length': {
    'src/length.js': `import { register } from './registry.js';

register({ name: 'metre', kind: 'length', toBase: (v) => v, fromBase: (v) => v });
register({ name: 'foot', kind: 'length', toBase: (v) => v * 0.3048, fromBase: (v) => v / 0.3048 });
`,
  },
  'Test lengths': {
    'test/length.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../src/length.js';
import { find } from '../src/registry.js';

test('ten feet are 3.048 metres', () => {
  assert.equal(find('foot').toBase(10), 3.048);
});
`,
  },
  'Register the units of temperature': {
    'src/temperature.js': `import { register } from './registry.js';

register({ name: 'celsius', kind: 'temperature', toBase: (v) => v, fromBase: (v) => v });
register({
  name: 'fahrenheit',
  kind: 'temperature',
  toBase: (v) => ((v - 32) * 5) / 9,
  fromBase: (v) => (v * 9) / 5 + 32,
});
`,
  },
  'Test temperatures': {
    'test/temperature.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { find } from '../src/registry.js';
import '../src/temperature.js';

test('water boils at 212 fahrenheit', () => {
  assert.equal(find('fahrenheit').fromBase(100), 212);
});
`,
  },
  'Convert between any two units': {
    'src/convert.js': `import './length.js';
import { find } from './registry.js';
import './temperature.js';

/** \`value\` of one unit in another of the same kind. */
export function convert(value, from, to) {
  const source = find(from);
  const target = find(to);
  if (source.kind !== target.kind) throw new Error(\`\${from} and \${to} are of different kinds\`);
  return target.fromBase(source.toBase(value));
}
`,
  },
  'Test conversions across both': {
    'test/convert.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convert } from '../src/convert.js';

test('lengths and temperatures both convert', () => {
  assert.equal(convert(1, 'foot', 'metre'), 0.3048);
  assert.equal(convert(212, 'fahrenheit', 'celsius'), 100);
});

test('a foot is not a temperature', () => {
  assert.throws(() => convert(1, 'foot', 'celsius'), /different kinds/);
});
`,
  },
};
