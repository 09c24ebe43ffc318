/** Stores on disks of other machines are noticed, and nothing else is. */
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { networkDisk } from '../../src/sqlite/network-disk.ts';

test('the nearest directory that exists tells', {
  skip: process.platform === 'linux' ? false : 'reads /proc of Linux',
}, () => {
  const asked: string[] = [];
  const found = networkDisk('/home/me/.claude/tasks/x/tasks.db', (path) => {
    asked.push(path);
    if (path !== '/home/me') throw Object.assign(new Error('none'), { code: 'ENOENT' });
    return 0x6969;
  });
  assert.equal(found, 'NFS');
  assert.equal(asked.length, 5);
  assert.equal(
    networkDisk('/x', () => 0xef53),
    null,
  );
  const denied = () => {
    throw Object.assign(new Error('no'), { code: 'EACCES' });
  };
  assert.equal(networkDisk('/x/y', denied), null);
  assert.equal(networkDisk(join(tmpdir(), 'none', 'such')), null);
});
