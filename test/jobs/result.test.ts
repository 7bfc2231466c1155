import test from 'ava';
import { jobJson } from '../../src/jobs/job-json.ts';
import { failedKeyspace, id, keyspace, report } from './helpers.ts';
import { ticker } from './ticker.ts';

test('a repair tells per keyspace how it went, and nothing of a backup', (t) => {
  const turned = ticker('REPAIR', 2);
  turned.run(({ executorId }) =>
    report({
      keyspaces: { ks1: keyspace(), ks2: executorId === id(1) ? failedKeyspace('session 7 failed') : keyspace() },
    }),
  );
  const job = jobJson(turned.job, turned.nodes);
  t.like(job, { type: 'REPAIR', result: 'PARTIAL', progress: 0.99 });
  t.false('backupName' in job || 'location' in job);
  t.like(job.completedNodes[1]?.processedKeyspaces, {
    ks1: { status: 'SUCCESS', durationMillis: 5 },
    ks2: { status: 'FAILURE', error: 'session 7 failed' },
  });
  t.deepEqual(
    job.errors.map(({ executorId, keyspace: name, message }) => [executorId, name, message]),
    [[id(1), 'ks2', 'session 7 failed']],
  );
});

test('a cleanup that left a keyspace out is not a success', (t) => {
  const turned = ticker('CLEANUP', 1);
  turned.run(() => report({ remainingKeyspaces: ['ks2'] }));
  t.is(turned.job.result, 'PARTIAL');
  t.regex(jobJson(turned.job, turned.nodes).errors[0]?.message ?? '', /without keyspace ks2/);
});
