import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.ts';
import type { StepContext } from '../../src/executor/step-context.ts';
import { nodeBackup } from '../../src/executor/node-backup.ts';
import { nodeCommit } from '../../src/executor/node-commit.ts';
import { Reporter } from '../../src/executor/report.ts';
import { createLogger } from '../../src/log.ts';
import type { BackupRecord, NodeManifest } from '../../src/model/backup.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { createCopyPool, type CopyPool } from '../../src/storage/copy-pool.ts';
import { parseManifest, sha256Of, stringifyRecord } from '../../src/storage/manifest.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { DirectoryNode } from './directory-node.ts';

export const EXECUTOR_ID = 'cassandra.dev.node.0.executor';

/** A node with its directories and a location for backups, for one test. */
export interface Host {
  root: string;
  node: DirectoryNode;
  storage: Storage;
  pool: CopyPool;
  stagingDirectories: string[];
  /** What a step gets; each with a fresh reporter. Not given fields of the request have harmless values. */
  context(request?: Partial<StepRequest>, change?: Partial<StepContext>): StepContext;
}

export function stepRequest(change: Partial<StepRequest> = {}): StepRequest {
  return {
    jobId: 1,
    jobUuid: 'job-1',
    type: 'BACKUP',
    phase: 'backup',
    attempt: 1,
    cluster: 'dev',
    executorId: EXECUTOR_ID,
    backupName: 'monday',
    location: 'file:///backup',
    keyspaces: null,
    tables: null,
    sourceExecutorId: null,
    snapshotTaken: false,
    manifestSha256: null,
    record: null,
    recordSha256: null,
    truncateTables: null,
    removeStaging: false,
    removeHostId: null,
    mode: 'incremental',
    rehash: false,
    ...change,
  };
}

export async function makeHost(t: ExecutionContext, dataDirectoryCount = 1): Promise<Host> {
  const root = mkdtempSync(join(tmpdir(), 'executor-'));
  const pool = createCopyPool(1);
  t.teardown(async () => {
    await pool.close();
    rmSync(root, { recursive: true, force: true });
  });
  const bases = Array.from({ length: dataDirectoryCount }, (_, index) => join(root, `disk${index}`));
  for (const base of bases) mkdirSync(join(base, 'data'), { recursive: true });
  const node = new DirectoryNode(bases.map((base) => join(base, 'data')));
  const storage = await openStorage(join(root, 'backup'), { pool, baseDirectory: root, create: true });
  const stagingDirectories = bases.map((base) => join(base, 'staging'));
  const host: Host = {
    root,
    node,
    storage,
    pool,
    stagingDirectories,
    context: (request, change) => ({
      request: stepRequest(request),
      node,
      storage: host.storage,
      pool,
      dataDirectories: node.dataDirectories,
      stagingDirectories,
      digestDirectory: join(root, 'digests'),
      hostname: 'localhost',
      ip: '127.0.0.1',
      reporter: new Reporter(EXECUTOR_ID, systemClock),
      signal: new AbortController().signal,
      clock: systemClock,
      log: createLogger('test', 'silent'),
      ...change,
    }),
  };
  return host;
}

/** Backs the node up under a name of `change` and writes the record of a cluster of this one node. */
export async function backUp(host: Host, change: Partial<StepRequest> = {}): Promise<BackupRecord> {
  const record = await storePart(host, change);
  await nodeCommit(host.context({ ...change, ...commitOf(record, change.executorId) }));
  return record;
}

/** What a step of `commit` is told that is to write the record. */
export function commitOf(record: BackupRecord, executorId = EXECUTOR_ID) {
  const text = stringifyRecord(record);
  return { phase: 'commit' as const, ...ownPart(record, executorId), record: text, recordSha256: sha256Of(text) };
}

/** By what a node's part of the backup is known. */
export function ownPart(record: BackupRecord, executorId = EXECUTOR_ID): Pick<StepRequest, 'manifestSha256'> {
  return { manifestSha256: record.nodes.find((node) => node.executorId === executorId)?.manifestSha256 ?? null };
}

/** Backs the node up and returns the record that is still to be written. */
export async function storePart(host: Host, change: Partial<StepRequest> = {}): Promise<BackupRecord> {
  const context = host.context({ ...change, phase: 'backup' });
  await nodeBackup(context);
  const { manifest } = context.reporter.report;
  if (manifest === null) throw new Error('expected a manifest');
  const { sha256, ...node } = manifest;
  const { cluster, backupName, jobUuid, executorId } = context.request;
  return {
    version: 1,
    cluster,
    name: backupName,
    jobUuid,
    location: host.storage.url,
    started: 1,
    finished: 2,
    result: 'SUCCESS',
    nodes: [{ executorId, manifestSha256: sha256, ...node }],
    missing: [],
  };
}

/** The manifest that the node has stored. */
export async function manifestOf({ storage }: Host, name = 'monday'): Promise<NodeManifest> {
  const key = `dev/${EXECUTOR_ID}/${name}/manifest.json`;
  return parseManifest((await storage.getDocument(key)) ?? '', key);
}
