import test from 'ava';
import { jobJson } from '../../src/jobs/job-json.ts';
import { error, id, keyspace, report } from './helpers.ts';
import { ticker } from './ticker.ts';

test('nothing of a node counts as done whose part has gone when all are through', (t) => {
  const turned = ticker('BACKUP', 2);
  turned.run(({ phase, executorId }) =>
    phase === 'confirm' && executorId === id(0) ? error('BACKUP_DAMAGED', 'it is missing') : undefined,
  );
  const [gone, there] = jobJson(turned.job, turned.nodes).completedNodes.toSorted((a, b) =>
    a.executorId.localeCompare(b.executorId),
  );
  t.like(gone, {
    executorId: id(0),
    failure: { failed: true, message: 'it is missing' },
    processedKeyspaces: { ks1: { status: 'FAILURE', error: 'it is missing' } },
  });
  t.is(there?.failure, undefined);
  t.like(there?.processedKeyspaces['ks1'], { status: 'SUCCESS', error: null });
});

test('a backup shows how much of it was not at the location yet, by keyspace, by node and in total', (t) => {
  const turned = ticker('BACKUP', 2, { mode: 'full' });
  turned.run(({ phase }) => {
    const keyspaces = { ks1: keyspace({ filesSent: 1, bytesSent: 30 }) };
    return phase === 'backup' ? report({ keyspaces, filesSent: 1, bytesSent: 30 }) : undefined;
  });
  const shown = jobJson(turned.job, turned.nodes);
  t.like(shown, { mode: 'full', filesSent: 2, bytesSent: 60 });
  t.is(shown.completedNodes.length, 2);
  for (const node of shown.completedNodes) {
    t.like(node, { filesSent: 1, bytesSent: 30 });
    t.like(node.processedKeyspaces['ks1'], { bytes: 100, filesSent: 1, bytesSent: 30 });
  }
});
