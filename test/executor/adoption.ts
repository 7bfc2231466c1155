import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { nodeAdopt } from '../../src/executor/node-adopt.ts';
import { nodeCommit } from '../../src/executor/node-commit.ts';
import { nodeConfirm } from '../../src/executor/node-confirm.ts';
import { nodeInspect } from '../../src/executor/node-inspect.ts';
import type { StepContext } from '../../src/executor/step-context.ts';
import type { BackupRecord } from '../../src/model/backup.ts';
import type { StepRequest } from '../../src/model/step.ts';
import type { LinkOutcome, Storage } from '../../src/storage/storage.ts';
import { storeForeign, type ForeignOptions } from '../helpers/foreign-tree.ts';
import { commitOf, EXECUTOR_ID, makeHost, type Host } from '../helpers/step-context.ts';

/** What a step of an adoption is asked for. */
export const ADOPT = { type: 'ADOPT', phase: 'backup', jobUuid: 'adoption' } as const;

/** A host with shop.users of two SSTables, stored by the forerunner. */
export async function hostWithForeign(
  t: ExecutionContext,
  options: ForeignOptions = {},
): Promise<Host & { folder: string }> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  const data = ['ada', 'bob'].map((rows) => host.node.write('shop', 'users', rows));
  return Object.assign(host, { folder: storeForeign(host, data, options) });
}

export async function adopt(
  host: Host,
  change: Partial<StepRequest> = {},
  storage: Storage = host.storage,
): Promise<StepContext> {
  const context = host.context({ ...ADOPT, ...change }, { storage });
  await nodeAdopt(context);
  return context;
}

/** Confirms and writes the record, as the job does after all nodes have adopted theirs. */
export async function commit(host: Host, { reporter, request }: StepContext, missing: BackupRecord['missing'] = []) {
  const { manifest } = reporter.report;
  if (manifest === null) throw new Error('expected a manifest');
  const { sha256: manifestSha256, adoptedFrom, ...node } = manifest;
  const { cluster, backupName: name, jobUuid, executorId } = request;
  const record: BackupRecord = {
    version: 1,
    cluster,
    name,
    jobUuid,
    location: host.storage.url,
    started: 1,
    finished: 2,
    result: missing.length === 0 ? 'SUCCESS' : 'PARTIAL',
    adopted: true,
    adoptedFrom: adoptedFrom ?? '',
    nodes: [{ executorId, manifestSha256, ...node }],
    missing,
  };
  const same = { ...ADOPT, backupName: name };
  await nodeConfirm(host.context({ ...same, phase: 'confirm', manifestSha256 }));
  await nodeCommit(host.context({ ...same, ...commitOf(record) }));
}

/** A path in the folder of the node's part. */
export const own = (host: Host, ...path: string[]): string =>
  join(host.root, 'backup', 'dev', EXECUTOR_ID, 'monday', ...path);

export async function verifyDeep(host: Host, backupName = 'monday') {
  const context = host.context({
    backupName,
    type: 'VERIFY',
    phase: 'inspect',
    deep: true,
    inspectors: [{ executorId: EXECUTOR_ID, hostId: null, tokens: ['-100', '200'], ready: true }],
  });
  await nodeInspect(context);
  return context.reporter.report.inspection;
}

/** A location without links, as an object store. */
export function withoutLinks(storage: Storage): Storage {
  return new Proxy(storage, {
    get(target, name) {
      if (name === 'link') return () => Promise.resolve('NONE' satisfies LinkOutcome);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Ends the process, so to say, at one call: before it, or after it was carried out. Nothing works after that. */
export function dyingStorage(storage: Storage, at: number, isDone: boolean): Storage {
  let calls = 0;
  return new Proxy(storage, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      if (property === 'list') return value.bind(target);
      return async (...args: unknown[]) => {
        const call = calls;
        calls += 1;
        if (call > at || (call === at && !isDone)) throw new Error('the power is gone');
        const result: unknown = await value.apply(target, args);
        if (call === at) throw new Error('the power is gone');
        return result;
      };
    },
  });
}
