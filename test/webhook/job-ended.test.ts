import test from 'ava';
import { emptyReport } from '../../src/model/step.ts';
import { jobEnded } from '../../src/webhook/job-ended.ts';
import { keyspace, manifest, nodes, planned } from '../jobs/helpers.ts';
import { Ticker } from '../jobs/ticker.ts';

test('Of a job with more to say than receivers take, the nodes are left out and the result stays', (t) => {
  const ring = nodes(8);
  const names = Array.from({ length: 400 }, (_, index) => `a_rather_long_keyspace_name_${index}`);
  const ticker = new Ticker(planned('BACKUP', ring), ring);
  const job = ticker.run(({ phase, executorId }) =>
    phase === 'backup'
      ? {
          ...emptyReport(),
          keyspaces: Object.fromEntries(names.map((name) => [name, keyspace()])),
          manifest: manifest(executorId),
        }
      : undefined,
  );
  const text = jobEnded(job, ring, 'test');
  t.true(text.length < 256 * 1024);
  t.like(JSON.parse(text), { truncated: true, job: { result: 'SUCCESS', completedNodes: [] } });
});
