import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ExecutionContext } from 'ava';
import { BackupLocations } from '../../src/bin/backup-locations.ts';
import { systemClock } from '../../src/clock.ts';
import { BackupCatalogue } from '../../src/jobs/backup-catalogue.ts';
import type { BackupRecord } from '../../src/model/backup.ts';
import type { State } from '../../src/state/database.ts';
import { stringifyRecord } from '../../src/storage/manifest.ts';
import { newState } from '../state/helpers.ts';

export const NODE = 'cassandra.dev.node.0.executor';

/** A location of the test's own, and a catalogue of cluster `dev` over it. */
export function place(t: ExecutionContext) {
  const directory = mkdtempSync(join(tmpdir(), 'location-'));
  const ended = new AbortController();
  t.teardown(() => {
    ended.abort();
    rmSync(directory, { recursive: true, force: true });
  });
  const location = pathToFileURL(directory).href;
  const readerOf = (state: State) => new BackupLocations('dev', ended.signal, (at) => state.backups.summaries(at));
  const catalogueOf = (state: State = newState(t), reader = readerOf(state)) =>
    new BackupCatalogue({ state, clock: systemClock, defaultLocation: location, reader });
  return { directory, location, readerOf, catalogueOf };
}

type Place = ReturnType<typeof place>;

export function recordOf(name: string, change: Partial<BackupRecord> = {}): BackupRecord {
  const node = {
    executorId: NODE,
    hostId: 'h0',
    hostname: 'slave0',
    ip: '127.0.0.1',
    tokens: ['1'],
    schemaVersion: 's1',
  };
  return {
    version: 1,
    cluster: 'dev',
    name,
    jobUuid: `job of ${name}`,
    location: 'file:///backup',
    started: 1_000,
    finished: 2_000,
    result: 'SUCCESS',
    nodes: [{ ...node, cassandraVersion: '5.0.5', manifestSha256: 'a'.repeat(64), files: 8, bytes: 4096 }],
    missing: [],
    keyspaces: { shop: { tables: 1, files: 8, bytes: 4096 } },
    ...change,
  };
}

/** Writes the backup's record, and the folder of its node. */
export async function store({ directory }: Place, record: BackupRecord): Promise<string> {
  const { cluster, name } = record;
  await mkdir(join(directory, cluster, NODE, name), { recursive: true });
  await mkdir(join(directory, cluster, 'backups'), { recursive: true });
  const path = join(directory, cluster, 'backups', `${name}.json`);
  await writeFile(path, stringifyRecord(record));
  return path;
}
