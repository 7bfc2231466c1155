import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import * as fc from 'fast-check';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import { job, newName, run } from './ring.ts';
import { contents, put, useSmall, type SmallContext } from './small-table.ts';

const test = anyTest as TestFn<SmallContext>;
const KEYSPACE = 'ten';
const BACKUPS = 10;

useSmall(test, KEYSPACE);

/** Starts a job and waits until it has ended well. */
async function succeeds(t: ExecutionContext, ring: LocalRing, method: 'POST' | 'DELETE', path: string): Promise<void> {
  const { status, body } = await ring.request(method, `/cluster/backups/${path}`);
  t.is(status, 200, JSON.stringify(body));
  const { job: id } = body as { job: number };
  await ring.until(`job ${id} has ended`, 60_000, async () => (await job(ring, id)).finished !== null);
  const { result, errors } = await job(ring, id);
  t.is(result, 'SUCCESS', `${path}: ${JSON.stringify(errors)}`);
}

/** Reads every byte of a backup by its manifests, without this program: nodes that have a part of it, all of it as it should be. */
async function wholeParts(ring: LocalRing, name: string): Promise<number> {
  const manifests = globSync(join(ring.options.data, 'backup/cassandra/*', name, 'manifest.json'));
  for (const manifest of manifests) {
    const { files } = JSON.parse(await readFile(manifest, 'utf8')) as { files: { path: string; sha256: string }[] };
    for (const { path, sha256 } of files) {
      const found = createHash('sha256')
        .update(await readFile(join(dirname(manifest), path)))
        .digest('hex');
      if (found !== sha256) throw new Error(`${path} of ${name} is not what its manifest says`);
    }
  }
  return manifests.length;
}

test('ten backups that share their files are deleted in any order, and those that stay are whole to the last byte', async (t) => {
  const { ring, client } = t.context;
  const rows = new Map<string, string[]>();
  for (let count = 0; count < BACKUPS; count += 1) {
    await put(client, KEYSPACE, 1000 + count, `for backup ${count}`);
    const name = newName('ten');
    rows.set(name, await contents(client, KEYSPACE));
    const backup = await run(t, ring, 'backup', `name=${name}&keyspaces=${KEYSPACE}&strategy=parallel`);
    t.is(backup.result, 'SUCCESS', JSON.stringify(backup.errors));
  }
  const all = fc.shuffledSubarray([...rows.keys()], { minLength: BACKUPS });
  const [order = []] = fc.sample(all, { seed: 10, numRuns: 1 });
  const [last = ''] = order.slice(-1);
  for (const [index, name] of order.slice(0, -1).entries()) {
    await succeeds(t, ring, 'DELETE', name);
    t.deepEqual(globSync(join(ring.options.data, 'backup/cassandra/*', `${name}*`)), []);
    for (const other of order.slice(index + 1)) t.is(await wholeParts(ring, other), 3, `${other} after ${name}`);
    await succeeds(t, ring, 'POST', `${order[index + 1]}/verify?deep=true`);
  }
  await put(client, KEYSPACE, 1, 'written after the backups');
  t.is((await run(t, ring, 'restore', `name=${last}&strategy=parallel`)).result, 'SUCCESS');
  t.deepEqual(await contents(client, KEYSPACE), rows.get(last));
});
