import test from 'ava';
import { nodeJson } from '../../src/jobs/node-json.ts';
import { error, id } from './helpers.ts';
import { ticker } from './ticker.ts';

test('nothing of a node counts as done whose part has gone when all are through', (t) => {
  const turned = ticker('BACKUP', 2);
  turned.run(({ phase, executorId }) =>
    phase === 'confirm' && executorId === id(0) ? error('BACKUP_DAMAGED', 'it is missing') : undefined,
  );
  t.like(nodeJson(turned.job, id(0), turned.nodes), {
    failure: { failed: true, message: 'it is missing' },
    processedKeyspaces: { ks1: { status: 'FAILURE', error: 'it is missing' } },
  });
  const there = nodeJson(turned.job, id(1), turned.nodes);
  t.is(there.failure, undefined);
  t.like(there.processedKeyspaces['ks1'], { status: 'SUCCESS', error: null });
});
