/** Changing one member inside JSON text: what comes out means what it should, and every other byte stays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { removeMember, setMember } from '../../src/init/json-edit.ts';

const SEED = { seed: 20250131, numRuns: 500 };
const key = fc.oneof(fc.constantFrom('mcpServers', 'task-copilot', 'x"y\\', '{', ','), fc.string());
// JSON has no -0, and JavaScript's objects treat the name __proto__ apart.
const value = fc
  .json({ maxDepth: 3 })
  .map((text) => JSON.parse(text.replaceAll('__proto__', 'proto').replaceAll('-0', '0')));
const holder = fc.dictionary(
  key.filter((name) => name !== '__proto__'),
  value,
  { noNullPrototype: true },
);
const indent = fc.constantFrom(undefined, 1, 2, 4, '\t');

test('a member is set or added, whatever the text holds and however it is laid out', () => {
  fc.assert(
    fc.property(holder, holder, fc.boolean(), indent, value, (top, servers, hasServers, space, set) => {
      const { mcpServers: _, ...others } = top;
      const whole = hasServers ? { ...others, mcpServers: servers } : others;
      const changed = setMember(JSON.stringify(whole, null, space), 'mcpServers', 'task-copilot', set);
      const before = hasServers ? servers : {};
      assert.deepEqual(JSON.parse(changed), { ...others, mcpServers: { ...before, 'task-copilot': set } });
    }),
    SEED,
  );
});

test('adding and removing leaves the bytes as they were', () => {
  fc.assert(
    fc.property(holder, indent, value, ({ 'task-copilot': _, ...servers }, space, set) => {
      fc.pre(Object.keys(servers).length > 0);
      const text = `${JSON.stringify({ a: 1, mcpServers: servers, z: [] }, null, space)}\n`;
      assert.equal(
        removeMember(setMember(text, 'mcpServers', 'task-copilot', set), 'mcpServers', 'task-copilot'),
        text,
      );
    }),
    SEED,
  );
});

test('the last of several members of one name is meant, as it is to a reader', () => {
  const text = '{"mcpServers": {"a": 1}, "mcpServers": {"b": 2, "b": 3}}';
  assert.equal(
    setMember(text, 'mcpServers', 'b', 4),
    '{"mcpServers": {"a": 1}, "mcpServers": {"b": 2, "b": 4}}',
  );
  assert.equal(removeMember(text, 'nothing', 'b'), text);
  assert.equal(removeMember(text, 'mcpServers', 'nothing'), text);
});

test('comments, line ends and the layout of the rest stay as they are', () => {
  const lines = [
    '{',
    '\t// ours',
    '\t"z": [1,2], /* { */',
    '\t"mcpServers": {',
    '\t\t"b": {"x":1} // kept',
    '\t}',
    '}',
  ];
  const text = `${lines.join('\r\n')}\r\n`;
  const added = setMember(text, 'mcpServers', 'a', { y: [] });
  const expected = text.replace('{"x":1}', '{"x":1},\r\n\t\t"a": {\r\n\t\t\t"y": []\r\n\t\t}');
  assert.equal(added, expected);
  assert.equal(removeMember(added, 'mcpServers', 'a'), text);
});
