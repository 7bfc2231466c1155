import test from 'ava';
import { sweptOf } from '../../src/jobs/swept.ts';
import { emptyReport, type SweepReport } from '../../src/model/step.ts';
import type { ClusterJob, JobParameters, Step } from '../../src/model/cluster-job.ts';

test('what nodes with places of their own have found adds up; one with nothing left to do adds nothing', (t) => {
  const entry = { path: 'dev/a', files: 1, bytes: 2, reason: 'rubbish' };
  const reports: (SweepReport | null)[] = [
    { files: 1, bytes: 2, backups: ['one'], found: [entry] },
    null,
    { files: 3, bytes: 4, backups: ['one'], found: [] },
  ];
  const steps = reports.map((sweep) => ({ report: { ...emptyReport(), ...(sweep ? { sweep } : {}) } }) as Step);
  const phases = [{ name: 'sweep', concurrency: 1, once: false, finished: 1, steps }] as ClusterJob['phases'];
  t.deepEqual(sweptOf({ phases, parameters: { dryRun: true } as JobParameters }), {
    dryRun: true,
    files: 4,
    bytes: 6,
    backups: ['one'],
    found: [entry],
  });
});
