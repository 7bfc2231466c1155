import { randomBytes, randomFillSync } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { rounded, type Result, type Row } from './results.ts';
import { checkRows, fill } from './dataset.ts';
import { BenchRing, secondsOf, statusField } from './ring.ts';
import { ours } from './storage/peers.ts';
import { STORES, type BenchStore } from './storage/stores.ts';
import { run, type Taken, type Tool } from './storage/tool.ts';

const MIB = 1024 ** 2;
const BLOCK_MIB = 64;
/** For SSTables of about 100 MB. */
const MEMTABLE_MIB = 1024;
/** Enough for SSTables to follow one another for a while, and not for long to be written by Cassandra. */
const NODE_GIB = 2;
const FILE = 'nb-0-big-Data.db';

interface Options {
  gib: number;
  directory: string;
  /** Names of kinds. */
  stores: string[];
  /** REST port and address of a ring. */
  port: number;
  address: string;
}

/** With all that an executor has in memory beside its transfers. */
const executor: Tool = {
  ...ours,
  command(direction, job) {
    const [node = '', ...words] = ours.command(direction, job);
    return [node, '--import', join(import.meta.dirname, '../src/bin/executor.ts'), ...words];
  },
};

/** What one large file, on its way to each kind of store and back, takes of a node's memory. */
export async function measureStorageMemory({ stores, ...options }: Options): Promise<Result[]> {
  const results: Result[] = [];
  for (const kind of stores) {
    const work = mkdtempSync(join(options.directory, 'bench-storage-memory-'));
    try {
      const store = await STORES[kind]?.(work);
      if (!store) throw new Error(`the server of ${kind} is not installed: scripts/setup --tests`);
      try {
        results.push(await measureStore(kind, store, work, options));
      } finally {
        await store.stop();
      }
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  return results;
}

async function measureStore(
  kind: string,
  store: BenchStore,
  work: string,
  options: Omit<Options, 'stores'>,
): Promise<Result> {
  const { gib } = options;
  const rows: Row[] = [{ what: 'a file as it is', ...roundTrip(store, work, { gib, isText: false }) }];
  if (kind === 'S3') {
    const coded = `${store.location}&compression=zstd&encryption=file:${makeKeys(work)}`;
    const isCoded = roundTrip({ ...store, location: coded }, work, { gib, isText: true });
    rows.push({ what: 'a file, compressed and encrypted', ...isCoded });
    rows.push({ what: `backup and restore of a node with ${NODE_GIB} GiB`, ...(await onNode(store, work, options)) });
  }
  const peaks = rows.flatMap((row) => [Number(row['up memory (MiB)']), Number(row['down memory (MiB)'])]);
  return {
    name: `storage-memory-${kind.toLowerCase()}`,
    title: `Peak memory of an executor that brings a file of ${gib} GiB to ${kind} and back; aim: below 256 MB, which are 244 MiB`,
    settings: { gib },
    rows,
    summary: { 'memory (MiB)': Math.max(...peaks) },
  };
}

/** Up, then down, where it is held against its checksum. */
function roundTrip(store: BenchStore, work: string, how: { gib: number; isText: boolean }): Row {
  const [source, target] = [join(work, 'source'), join(work, 'target')];
  for (const folder of [source, target]) mkdirSync(folder);
  makeFile(join(source, FILE), how);
  const { size } = statSync(join(source, FILE));
  const up = run(executor, 'up', { store, folder: source, names: [FILE] });
  rmSync(source, { recursive: true });
  const down = run(executor, 'down', { store, folder: target, names: [FILE] });
  if (statSync(join(target, FILE)).size !== size) throw new Error('another file came back');
  rmSync(target, { recursive: true });
  return { ...figures('up', up), ...figures('down', down) };
}

function figures(direction: string, { seconds, mib }: Pick<Taken, 'seconds' | 'mib'>): Row {
  return {
    [`${direction} (s)`]: rounded(seconds),
    [`${direction} memory (MiB)`]: rounded(mib, 1),
  };
}

/** The executor of a real node: several large SSTables at once. */
async function onNode(store: BenchStore, work: string, { port, address }: Omit<Options, 'stores'>): Promise<Row> {
  const ring = await BenchRing.create(work, port, address, MEMTABLE_MIB, inFile(store, work));
  try {
    await ring.start();
    const rows = await fill(ring, NODE_GIB);
    const step = async (kind: 'backup' | 'restore', phase: 'backup' | 'stage') => {
      // From now on the peak is another one.
      writeFileSync(`/proc/${ring.executorPid}/clear_refs`, '5');
      const seconds = secondsOf(await ring.run(kind, 'bench'), phase);
      return { seconds, mib: Number(statusField(ring.executorPid, 'VmHWM')) / 1024 };
    };
    const [up, down] = [await step('backup', 'backup'), await step('restore', 'stage')];
    await checkRows(ring, rows);
    return { ...figures('up', up), ...figures('down', down) };
  } finally {
    await ring.end();
  }
}

/** `isText`: in each byte half of the bits are the same, so that compression has something to do. */
function makeFile(path: string, { gib, isText }: { gib: number; isText: boolean }): void {
  const file = openSync(path, 'wx');
  const block = Buffer.alloc(BLOCK_MIB * MIB);
  for (let left = Math.ceil((gib * 1024) / BLOCK_MIB); left > 0; left -= 1) {
    randomFillSync(block);
    if (isText) for (let at = 0; at < block.length; at += 1) block[at]! &= 0x0f;
    writeSync(file, block);
  }
  closeSync(file);
}

/** A location whose credentials, which the ring is not to be told by variables, lie in a file. */
function inFile({ location, env }: BenchStore, work: string): string {
  const path = join(work, 'credentials');
  const [id, secret] = [env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY']];
  const text = `[default]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`;
  writeFileSync(path, text, { mode: 0o600 });
  return `${location}&credentials=${encodeURIComponent(`file:${path}`)}`;
}

function makeKeys(work: string): string {
  const path = join(work, 'keys');
  writeFileSync(path, `bench ${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  return path;
}
