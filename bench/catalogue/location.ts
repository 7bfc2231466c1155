import { link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupRecord, NodeManifest } from '../../src/model/backup.ts';
import { manifestKey, nodeKey, recordKey, recordsPrefix, verificationKey } from '../../src/storage/layout.ts';
import { sha256Of, stringifyManifest, stringifyRecord } from '../../src/storage/manifest.ts';

const COMPONENTS = ['CRC', 'CompressionInfo', 'Data', 'Digest', 'Filter', 'Index', 'Statistics', 'Summary'];
const DAY_MS = 86_400_000;
const TOKENS = 16;
/** Of each Data.db in the documents; the files that are made are empty. */
const DATA_BYTES = 1 << 26;
const AT_ONCE = 64;

export interface LocationSize {
  cluster: string;
  backups: number;
  nodes: number;
  sstables: number;
}

/**
 * A location as so many daily backups leave it behind. The records are written in full. Each node has one manifest in full, which all of its
 * backups hold as a hard link; the Data.db of all SSTables are made, empty, in the newest backup only. Returns its name.
 */
export async function makeLocation(directory: string, size: LocationSize): Promise<string> {
  const { cluster, backups, nodes } = size;
  await mkdir(join(directory, recordsPrefix(cluster)), { recursive: true });
  const names = Array.from({ length: backups }, (_, n) => `backup-${String(n).padStart(5, '0')}`);
  const newest = names.at(-1) ?? '';
  const sums: string[] = [];
  for (let node = 0; node < nodes; node += 1) sums.push(await makeNode(directory, size, node, names));
  for (const [n, name] of names.entries()) {
    const record = stringifyRecord(recordOf(size, name, n, sums));
    await writeFile(join(directory, recordKey(cluster, name)), record);
    if (n % 10 > 0) continue;
    const [when, damaged] = [timeOf(n) + DAY_MS / 2, [] as const];
    const found = { version: 1, cluster, name, recordSha256: sha256Of(record), when, deep: true, result: 'SUCCESS' };
    await writeFile(
      join(directory, verificationKey(cluster, name)),
      JSON.stringify({ ...found, damagedFiles: 0, damaged }),
    );
  }
  return newest;
}

/** Returns its manifest's checksum. */
async function makeNode(
  directory: string,
  { cluster, sstables }: LocationSize,
  node: number,
  names: string[],
): Promise<string> {
  const executorId = executorOf(cluster, node);
  const text = stringifyManifest(manifestOf(cluster, node, names.at(-1) ?? '', sstables));
  const first = join(directory, cluster, `manifest-of-${node}`);
  await writeFile(first, text);
  for (let begin = 0; begin < names.length; begin += AT_ONCE) {
    await Promise.all(
      names.slice(begin, begin + AT_ONCE).map(async (name) => {
        await mkdir(join(directory, nodeKey(cluster, executorId, name)), { recursive: true });
        await link(first, join(directory, manifestKey(cluster, executorId, name)));
      }),
    );
  }
  const table = join(directory, nodeKey(cluster, executorId, names.at(-1) ?? ''), 'shop', 'orders');
  await mkdir(table, { recursive: true });
  for (let begin = 0; begin < sstables; begin += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, sstables - begin) }, (_, n) => begin + n);
    await Promise.all(some.map((n) => writeFile(join(table, `nb-${n}-big-Data.db`), '')));
  }
  return sha256Of(text);
}

function executorOf(cluster: string, node: number): string {
  return `cassandra.${cluster}.node.${node}.executor`;
}

function timeOf(backup: number): number {
  return Date.UTC(2024, 0, 1) + backup * DAY_MS;
}

function whoIs(node: number) {
  return {
    hostId: `00000000-0000-4000-8000-${String(node).padStart(12, '0')}`,
    hostname: `node${node}.example`,
    ip: `10.0.${node >> 8}.${node & 255}`,
    tokens: Array.from({ length: TOKENS }, (_, n) => String((BigInt(node * TOKENS + n) << 50n) - (1n << 62n))),
    schemaVersion: '59adb24e-f3cd-3e02-97f0-5b395827453f',
    cassandraVersion: '5.0.5',
  };
}

function recordOf({ cluster, sstables }: LocationSize, name: string, n: number, sums: string[]): BackupRecord {
  const files = sstables * COMPONENTS.length;
  const bytes = sstables * DATA_BYTES;
  return {
    version: 1,
    cluster,
    name,
    jobUuid: `10000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    location: 'file:///backup',
    started: timeOf(n),
    finished: timeOf(n) + DAY_MS / 24,
    result: 'SUCCESS',
    mode: 'incremental',
    nodes: sums.map((manifestSha256, node) => ({
      executorId: executorOf(cluster, node),
      ...whoIs(node),
      manifestSha256,
      files,
      bytes,
      filesSent: files / 10,
      bytesSent: bytes / 10,
    })),
    missing: [],
    keyspaces: { shop: { tables: 1, files: files * sums.length, bytes: bytes * sums.length } },
  };
}

function manifestOf(cluster: string, node: number, backupName: string, sstables: number): NodeManifest {
  const files = Array.from({ length: sstables }, (_, n) =>
    COMPONENTS.map((component) => ({
      path: `shop/orders/nb-${n}-big-${component}.${component === 'Digest' ? 'crc32' : 'db'}`,
      size: component === 'Data' ? DATA_BYTES : 4096,
      sha256: sha256Of(`${node} ${n} ${component}`),
      dataDirectory: 0,
    })),
  ).flat();
  return {
    version: 1,
    cluster,
    backupName,
    jobUuid: '10000000-0000-4000-8000-000000000000',
    executorId: executorOf(cluster, node),
    ...whoIs(node),
    datacenter: 'DC1',
    rack: 'RAC1',
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    started: timeOf(0),
    finished: timeOf(0),
    mode: 'incremental',
    filesSent: 0,
    bytesSent: 0,
    keyspaces: ['shop'],
    tables: [],
    types: [],
    schema: [],
    files,
  };
}
