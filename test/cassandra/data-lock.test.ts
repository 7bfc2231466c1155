import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { DataLock } from '../../src/cassandra/data-lock.ts';
import type { OperatorError } from '../../src/errors.ts';
import { temporaryDirectory } from './real-cassandra.ts';

const held = (t: { is: (a: unknown, b: unknown) => void }, error: OperatorError, pid: number | undefined) => {
  t.is(error.code, 'CASSANDRA_ERROR');
  t.is(error.message.includes(`in use by process ${pid} `), true);
};

test('directories are held by one at a time, and free again after release', async (t) => {
  const root = await temporaryDirectory(t);
  const bases = [join(root, 'a'), join(root, 'b')];
  const lock = DataLock.acquire(bases);
  held(
    t,
    t.throws<OperatorError>(() => DataLock.acquire(bases)),
    process.pid,
  );
  lock.release();
  DataLock.acquire(bases).release();
});

test('one directory in common is enough to be refused, and the others stay free', async (t) => {
  const root = await temporaryDirectory(t);
  DataLock.acquire([join(root, 'shared')]);
  t.throws(() => DataLock.acquire([join(root, 'own'), join(root, 'shared')]));
  t.deepEqual(await readdir(join(root, 'own')), []);
  t.notThrows(() => DataLock.acquire([join(root, 'own')]));
});

test('a lock belongs to the process it was handed to, and ends with it', async (t) => {
  const root = await temporaryDirectory(t);
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const gone = once(child, 'exit');
  await once(child, 'spawn');
  DataLock.acquire([root]).handOver(child.pid ?? 0);
  held(
    t,
    t.throws<OperatorError>(() => DataLock.acquire([root])),
    child.pid,
  );

  child.kill('SIGKILL');
  await gone;

  t.notThrows(() => DataLock.acquire([root]));
  t.deepEqual(await readdir(root), ['node.lock']);
});

test("another process that was given a dead holder's number holds nothing", async (t) => {
  const root = await temporaryDirectory(t);
  DataLock.acquire([root]);
  const file = join(root, 'node.lock');
  const holder = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  for (const other of [{ startTime: '1' }, { boot: 'of-yesterday' }]) {
    await writeFile(file, JSON.stringify({ ...holder, ...other }));
    t.notThrows(() => DataLock.acquire([root]), JSON.stringify(other));
  }
  await writeFile(file, 'not what we write');
  t.notThrows(() => DataLock.acquire([root]));
});
