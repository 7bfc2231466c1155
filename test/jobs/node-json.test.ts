import test from 'ava';
import { jobJson } from '../../src/jobs/job-json.ts';
import { error, id } from './helpers.ts';
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
