import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { BackupRecord } from '../../src/model/backup.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { DirectoryNode } from '../helpers/directory-node.ts';
import { leaveNode, nodeIn, runStepOn } from '../helpers/run-step-at.ts';
import { commitOf, EXECUTOR_ID, type Host } from '../helpers/step-context.ts';

/** A node with data and a location beside it, both of which can be copied. */
export interface Place {
  work: string;
  location: string;
}

export const placeIn = (work: string): Place => ({ work, location: join(work, 'backup') });

export const requestOf = (backupName: string): Partial<StepRequest> => ({
  backupName,
  jobUuid: `job-${backupName}`,
  scheduler: 'scheduler',
});

export async function step({ work, location }: Place, request: Partial<StepRequest>) {
  const outcome = await runStepOn(nodeIn(work), location, request);
  if (outcome.state !== 'TASK_FINISHED') throw new Error(`${request.phase} ended so: ${outcome.message}`);
  return outcome.report;
}

/** Does the first phase of a backup, and says what the record will be. */
export async function storePart(place: Place, backupName: string): Promise<BackupRecord> {
  const { manifest } = await step(place, requestOf(backupName));
  if (manifest === null) throw new Error('expected a manifest');
  const { sha256: manifestSha256, ...node } = manifest;
  const text = { version: 1 as const, cluster: 'dev', name: backupName, jobUuid: `job-${backupName}` };
  const when = { started: Date.now(), finished: Date.now(), result: 'SUCCESS' as const, missing: [] };
  return {
    ...text,
    location: 'file:///backup',
    ...when,
    nodes: [{ executorId: EXECUTOR_ID, manifestSha256, ...node }],
  };
}

export async function commit(place: Place, record: BackupRecord): Promise<void> {
  const request = { ...requestOf(record.name), ...commitOf(record) };
  await step(place, { ...request, phase: 'confirm' });
  await step(place, request);
}

/** A node with one backup, that has flushed something since. */
export async function oneBackup(t: ExecutionContext): Promise<Place> {
  const place = placeIn(mkdtempSync(join(tmpdir(), 'killed-')));
  t.teardown(() => rmSync(place.work, { recursive: true, force: true }));
  mkdirSync(join(place.work, 'data'));
  const node = new DirectoryNode([join(place.work, 'data')]);
  node.createTable('shop', 'users');
  node.write('shop', 'users', 'ada');
  leaveNode(node);
  await commit(place, await storePart(place, 'first'));
  node.write('shop', 'users', 'grace');
  return place;
}

export const openAt = ({ location }: Place, { pool }: Host): Promise<Storage> =>
  openStorage(location, { pool, baseDirectory: '/', create: false });
