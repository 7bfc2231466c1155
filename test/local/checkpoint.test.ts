import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { Checkpoint, readCheckpoint, writeCheckpoint } from '../../src/local/checkpoint.ts';
import { temporaryDirectory } from '../mesos/helpers/mesos.ts';

test('what was written is read, bytes included', async (t) => {
  const path = join(await temporaryDirectory(t), 'deep', 'state.json');
  const state = { name: 'ä', bytes: Uint8Array.of(0, 255), buffer: Buffer.from('x'), list: [{ none: null }] };
  await writeCheckpoint(path, state);
  t.deepEqual(await readCheckpoint(path), { ...state, buffer: Uint8Array.of(120) });
});

test('nothing is read where nothing was written, and garbage is an error', async (t) => {
  const path = join(await temporaryDirectory(t), 'state.json');
  t.is(await readCheckpoint(path), undefined);
  await writeFile(path, '{"half":');
  await t.throwsAsync(readCheckpoint(path), { message: /^read .*state\.json: / });
});

test('when a save resolves, all that was in the state before is on disk', async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, 'state.json');
  const state = { count: 0 };
  const checkpoint = new Checkpoint(path, () => state);
  const saves = [1, 2, 3, 4, 5].map(async (count) => {
    state.count = count;
    await checkpoint.save();
    const read = await readCheckpoint<typeof state>(path);
    t.true((read?.count ?? 0) >= count);
  });
  await Promise.all(saves);
  t.deepEqual(await readdir(directory), ['state.json']);
});

test('a save that fails says so, and the next one works', async (t) => {
  const path = join(await temporaryDirectory(t), 'state.json');
  const state: { bad?: unknown } = { bad: 1n };
  const checkpoint = new Checkpoint(path, () => state);
  await t.throwsAsync(checkpoint.save());
  delete state.bad;
  await checkpoint.save();
  t.deepEqual(await readCheckpoint(path), {});
});
