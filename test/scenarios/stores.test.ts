import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import { executor, job, newName, run, type JobJson } from './ring.ts';
import { contents, put, useSmall, type SmallContext } from './small-table.ts';
import { STORES } from './stores.ts';

const suite = anyTest as TestFn<SmallContext>;
const KEYSPACE = 'in_a_store';
useSmall(suite, KEYSPACE);

interface BackupJson extends JobJson {
  bytesSent: number;
  bytesDone: number;
}

type Method = 'POST' | 'DELETE';

/** Runs a job of the catalogue to its end. */
async function finished(t: ExecutionContext, ring: LocalRing, method: Method, path: string): Promise<JobJson> {
  const { status, body } = await ring.request(method, path);
  t.is(status, 200, JSON.stringify(body));
  const { job: id } = body as { job: number };
  await ring.until(`job ${id} has ended`, 60_000, async () => (await job(ring, id)).finished !== null);
  return job(ring, id);
}

function succeeded({ result, errors }: JobJson, t: ExecutionContext): void {
  t.is(result, 'SUCCESS', JSON.stringify(errors));
}

/** Files below a directory that hold a text. */
function holding(below: string, text: string): string[] {
  return readdirSync(below, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:log|sqlite|sqlite-wal|json)$|^std(?:out|err)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}

for (const store of STORES) {
  const test = store.installed ? suite.serial : suite.skip;
  test(`in ${store.name} backups build on each other, are verified, renamed, restored row by row and deleted, and no secret is told`, async (t) => {
    const { ring, client } = t.context;
    const directory = await mkdtemp(join(tmpdir(), 'store-'));
    const server = await store.start(directory);
    t.teardown(async () => {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    });
    const at = `location=${encodeURIComponent(server.location)}`;
    const [first, second] = [newName('object'), newName('object')];
    const backUp = async (name: string): Promise<BackupJson> =>
      (await run(t, ring, 'backup', `name=${name}&keyspaces=${KEYSPACE}&strategy=parallel&${at}`)) as BackupJson;

    succeeded(await backUp(first), t);
    const rows = await contents(client, KEYSPACE);
    const increment = await backUp(second);
    succeeded(increment, t);
    t.true(increment.bytesDone > 0);
    t.is(increment.bytesSent, 0, 'it refers to what the first one holds');

    succeeded(await finished(t, ring, 'DELETE', `/cluster/backups/${first}?${at}`), t);
    succeeded(await finished(t, ring, 'POST', `/cluster/backups/${second}/verify?deep=true&${at}`), t);
    const renamed = `from=${executor(0)}&to=${executor(9)}`;
    succeeded(await finished(t, ring, 'POST', `/cluster/backups/rename-executor?${renamed}&${at}`), t);
    await put(client, KEYSPACE, 1, 'written after the backup');
    succeeded(await run(t, ring, 'restore', `name=${second}&strategy=parallel&${at}`), t);
    t.deepEqual(await contents(client, KEYSPACE), rows);

    succeeded(await finished(t, ring, 'DELETE', `/cluster/backups/${second}?force=true&${at}`), t);
    const { body } = await ring.get(`/cluster/backups?${at}`);
    t.deepEqual((body as { backups: object[] }).backups, []);
    if (server.secret === null) return;
    t.deepEqual(holding(ring.options.data, server.secret), []);
    t.false(JSON.stringify((await ring.get('/cluster/jobs')).body).includes(server.secret));
  });
}
