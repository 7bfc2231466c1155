import test from 'ava';
import { backupRecord } from '../../src/jobs/backup-record.ts';
import type { FileEncodings } from '../../src/model/backup.ts';
import { CLUSTER, error, failedKeyspace, id, keyspace, manifest, report, START } from './helpers.ts';
import { ticker } from './ticker.ts';

test('the record of a whole backup names every node by its manifest', (t) => {
  const turned = ticker('BACKUP', 2).until('commit');
  const record = backupRecord(turned.job, CLUSTER);
  const { sha256, ...rest } = manifest(id(1));
  t.like(record, {
    version: 1,
    cluster: CLUSTER,
    name: 'b1',
    jobUuid: 'job-uuid',
    location: 'file:///backup',
    started: START,
    result: 'SUCCESS',
    missing: [],
  });
  t.is(record.nodes.length, 2);
  t.deepEqual(record.nodes[1], { executorId: id(1), ...rest, manifestSha256: sha256 });
});

test('the record is of the time when the last node had copied', (t) => {
  const turned = ticker('BACKUP', 2).until('commit');
  const { finished } = turned.step('backup', 1);
  t.is(backupRecord(turned.job, CLUSTER).finished, finished ?? 0);
  turned.tick(9_000).end();
  t.is(backupRecord(turned.job, CLUSTER).finished, finished ?? 0);
});

test('the record of a partial backup names what is missing and why', (t) => {
  const turned = ticker('BACKUP', 3).until('commit', ({ phase, executorId }) => {
    if (phase !== 'backup' || executorId === id(0)) return undefined;
    if (executorId === id(1)) return error('NO_SPACE', 'disk full');
    const keyspaces = { ks1: keyspace(), ks2: failedKeyspace('corrupt') };
    return report({ keyspaces, manifest: manifest(id(2)) });
  });
  const record = backupRecord(turned.job, CLUSTER);
  t.is(record.result, 'PARTIAL');
  t.deepEqual(
    record.nodes.map(({ executorId }) => executorId),
    [id(0), id(2)],
  );
  t.deepEqual(record.missing, [
    { executorId: id(1), keyspace: null, reason: 'disk full' },
    { executorId: id(2), keyspace: 'ks2', reason: 'corrupt' },
  ]);
});

test('a node that failed after it wrote its manifest has no backup', (t) => {
  const turned = ticker('BACKUP', 2).tick();
  const words = report({ manifest: manifest(id(0)), errors: [error('STORAGE_FAILED', 'not flushed')] });
  turned.status(turned.step('backup', 0).taskId ?? '', 'FAILED', words);
  const record = backupRecord(turned.until('commit').job, CLUSTER);
  t.deepEqual(
    record.nodes.map(({ executorId }) => executorId),
    [id(1)],
  );
  t.deepEqual(record.missing, [{ executorId: id(0), keyspace: null, reason: 'not flushed' }]);
});

test('a backup whose common snapshot failed on a node misses nothing when that node took one of its own', (t) => {
  const turned = ticker('BACKUP', 2, { snapshot: 'together' }).until('commit', ({ phase }) =>
    phase === 'snapshot' ? error('SSTABLE_CORRUPT', 'no') : undefined,
  );
  t.like(backupRecord(turned.job, CLUSTER), { result: 'SUCCESS', missing: [] });
});

test('the record names the keys that are needed, and says encrypted only where no file lies open', (t) => {
  const recordOf = (...encodings: (FileEncodings | undefined)[]) => {
    const turned = ticker('BACKUP', 2).until('commit', ({ phase, executorId }) => {
      if (phase !== 'backup') return undefined;
      const own = encodings[executorId === id(0) ? 0 : 1];
      return report({
        keyspaces: { ks1: keyspace() },
        manifest: { ...manifest(executorId), ...(own && { encodings: own }) },
      });
    });
    const { keyIds, encrypted, compression, nodes } = backupRecord(turned.job, CLUSTER);
    t.false(JSON.stringify(nodes).includes('encodings'));
    return { keyIds, encrypted, compression };
  };
  const encoded = { keyIds: ['2026-11'], compression: ['zstd' as const], clearFiles: 0 };
  const rotated = { keyIds: ['2026-10', '2026-11'], compression: [], clearFiles: 0 };
  t.deepEqual(recordOf(encoded, rotated), { keyIds: ['2026-10', '2026-11'], encrypted: true, compression: ['zstd'] });
  t.is(recordOf(encoded, { ...rotated, clearFiles: 1 }).encrypted, undefined);
  t.is(recordOf(encoded, undefined).encrypted, undefined);
  t.deepEqual(recordOf(undefined, undefined), { keyIds: undefined, encrypted: undefined, compression: undefined });
});
