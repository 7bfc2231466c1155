import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import type { LocalRing } from '../../scripts/lib/local-ring.ts';
import type { Fault, FaultProxy, Match } from '../helpers/fault-proxy.ts';
import type { FaultKind } from '../storage/objects/fault-kinds.ts';
import { ended, executor, executorPid, job, newName, run, start, type JobJson } from './ring.ts';
import { contents, put, useSmall, type SmallContext } from './small-table.ts';
import { STORES, type RunningStore } from './stores.ts';

const suite = anyTest as TestFn<SmallContext>;
const KEYSPACE = 'in_a_store';
useSmall(suite, KEYSPACE);

/** Each node has so much that cannot be compressed, in one file: in so many parts. */
const LARGE_ROWS = 40;
const LARGE_ROW = 192 * 1024;
const PARTS = 2;
/** Connections that a store which is away refuses. */
const REFUSED = 3;

suite.before(async (t) => {
  const { client } = t.context;
  const values = Array.from({ length: LARGE_ROWS }, () => randomBytes(LARGE_ROW).toString('base64'));
  await Promise.all(values.map((value, index) => put(client, KEYSPACE, 1000 + index, value)));
});

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

/** All rows; of each its checksum, since some are large. */
async function rowsOf({ client }: SmallContext): Promise<string[]> {
  const rows = await contents(client, KEYSPACE);
  return rows.map((row) => createHash('sha256').update(row).digest('hex'));
}

/** Of a node's part of a backup, its documents left out. */
const isFileOf =
  (number: number): Match =>
  ({ path }) =>
    path.includes(`/${executor(number)}/`) && path.includes(`/${KEYSPACE}/t/`);

const isData: Match = ({ path }) => path.endsWith('-Data.db');

/** Holds a request until whoever asks has given up. */
const unanswered: Fault = { before: (gone) => gone.then(() => Promise.reject(new Error('gone'))) };

type Interrupt = (ring: LocalRing, store: RunningStore, kind: FaultKind) => Promise<void>;

/** Kills the executor of the second node while the last part of its file is on its way. */
const killExecutor: Interrupt = async (ring, { proxy }, { asks }) => {
  const isPart: Match = (seen) => asks.part(seen) && isFileOf(1)(seen);
  const { once: held } = proxy.when(isPart, unanswered, { nth: PARTS });
  await Promise.all([held, proxy.answered(isPart, PARTS - 1)]);
  process.kill(executorPid(ring, 1), 'SIGKILL');
};

/** The store goes away while the last part of the first node's file is on its way, and comes back. */
const takeStoreAway: Interrupt = async (_ring, { proxy }, { asks }) => {
  const away = async (): Promise<never> => {
    await proxy.answered(asks.part, PARTS - 1);
    await proxy.away(REFUSED);
    throw new Error('its connection has ended');
  };
  await proxy.when(asks.part, { before: away }, { nth: PARTS }).once;
};

/**
 * Restores while the store has something else to do once the second node has fetched its large file: the step is tried again with what is staged.
 */
async function restoreInterrupted(
  t: ExecutionContext<SmallContext>,
  name: string,
  at: string,
  { proxy, kind }: { proxy: FaultProxy; kind: FaultKind },
): Promise<void> {
  const { ring } = t.context;
  const isOthers: Match = (seen) => kind.asks.read(seen) && isFileOf(1)(seen) && !isData(seen);
  const isLarge: Match = (seen) => kind.asks.read(seen) && isFileOf(1)(seen) && isData(seen);
  proxy.forget();
  proxy.when(isOthers, { answer: kind.says.busy({ 'retry-after': '3600' }) }, { nth: 3 });
  const restore = await run(t, ring, 'restore', `name=${name}&strategy=parallel&${at}`);
  succeeded(restore, t);
  const stage = restore.phases.find((phase) => phase.name === 'stage')?.steps;
  t.is(stage?.find(({ executorId }) => executorId === executor(1))?.attempt, 2, 'it was interrupted');
  t.is(proxy.done.filter(isLarge).length, PARTS, 'what was staged was not fetched again');
}

for (const [index, store] of STORES.entries()) {
  const { kind } = store;
  const test = kind.isInstalled ? suite.serial : suite.skip;
  // It takes its Cassandra along, which needs its time to start.
  const interrupt = index === 0 ? killExecutor : takeStoreAway;
  test(`in ${store.name} backups go on where they were interrupted, build on each other, are verified, renamed, restored row by row and deleted, and no secret is told`, async (t) => {
    const { ring } = t.context;
    const directory = await mkdtemp(join(tmpdir(), 'store-'));
    t.teardown(() => rm(directory, { recursive: true, force: true }));
    const running = await store.start(t, directory);
    const { location, secret, proxy } = running;
    const at = `location=${encodeURIComponent(location)}`;
    const [first, second] = [newName('object'), newName('object')];

    const id = await start(t, ring, 'backup', `name=${first}&keyspaces=${KEYSPACE}&${at}`);
    await Promise.race([interrupt(ring, running, kind), ended(ring, 'backup', id)]);
    succeeded(await ended(ring, 'backup', id), t);
    t.true(proxy.count(kind.asks.part) > 3 * PARTS, 'it was interrupted');
    t.is(proxy.done.filter(kind.asks.part).length, 3 * PARTS, 'what was there was not sent again');
    const rows = await rowsOf(t.context);
    const query = `name=${second}&keyspaces=${KEYSPACE}&strategy=parallel&${at}`;
    const increment = (await run(t, ring, 'backup', query)) as BackupJson;
    succeeded(increment, t);
    t.true(increment.bytesDone > 0);
    t.is(increment.bytesSent, 0, 'it refers to what the first one holds');

    succeeded(await finished(t, ring, 'DELETE', `/cluster/backups/${first}?${at}`), t);
    succeeded(await finished(t, ring, 'POST', `/cluster/backups/${second}/verify?deep=true&${at}`), t);
    const renamed = `from=${executor(0)}&to=${executor(9)}`;
    succeeded(await finished(t, ring, 'POST', `/cluster/backups/rename-executor?${renamed}&${at}`), t);
    await put(t.context.client, KEYSPACE, 1, 'written after the backup');
    await restoreInterrupted(t, second, at, { proxy, kind });
    t.deepEqual(await rowsOf(t.context), rows);

    succeeded(await finished(t, ring, 'DELETE', `/cluster/backups/${second}?force=true&${at}`), t);
    const { body } = await ring.get(`/cluster/backups?${at}`);
    t.deepEqual((body as { backups: object[] }).backups, []);
    if (secret === null) return;
    t.deepEqual(holding(ring.options.data, secret), []);
    t.false(JSON.stringify((await ring.get('/cluster/jobs')).body).includes(secret));
  });
}
