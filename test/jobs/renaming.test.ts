import test from 'ava';
import { jobJson } from '../../src/jobs/job-json.ts';
import { emptyReport, type RenameReport, type StepReport } from '../../src/model/step.ts';
import { id } from './helpers.ts';
import { ticker } from './ticker.ts';

const WANTED = { from: id(0), to: id(7) };
const renamed = (change: Partial<RenameReport> = {}): StepReport => ({
  ...emptyReport(),
  rename: { backups: ['monday'], files: 3, bytes: 30, ...change },
});
const nothing = { backups: [], files: 0, bytes: 0 };

test('what is renamed on a shared location is found by the first node, and nothing by the others', (t) => {
  const job = ticker('RENAME', 3, WANTED).run(({ executorId }) => renamed(executorId === id(0) ? {} : nothing));
  t.is(job.result, 'SUCCESS');
  t.deepEqual(jobJson(job, []).renamed, { ...WANTED, dryRun: false, backups: ['monday'], files: 3, bytes: 30 });
});

test('an executor of which nobody finds a backup fails, but not where a lost attempt may have done it', (t) => {
  const job = ticker('RENAME', 2, WANTED).run(() => renamed(nothing));
  t.is(job.result, 'FAILURE');
  t.like(job.errors, [{ code: 'BACKUP_NOT_FOUND' }]);
  const retried = ticker('RENAME', 1, WANTED).run(({ attempt }) => (attempt === 1 ? 'LOST' : renamed(nothing)));
  t.is(retried.result, 'SUCCESS');
});
