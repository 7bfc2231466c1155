import test from 'ava';
import { describeJob } from '../../../src/cli/job-report.ts';
import type { JobView } from '../../../src/cli/job-view.ts';
import { startApi } from '../../api/helpers.ts';
import { cli } from '../helpers.ts';

test('A sweep is started as a job, with the time of grace that was said', async (t) => {
  const api = await startApi(t);
  const { code, stdout, stderr } = await cli(
    api,
    'backup',
    'sweep',
    '--grace',
    '2h',
    '--dry-run',
    '--location',
    'file:///other',
  );
  t.is(code, 0, stderr);
  t.is(stdout, 'Started sweep as job 1; `sweeping status` shows it.\n');
  t.like(api.jobs.running(), {
    type: 'SWEEP',
    backupName: null,
    location: 'file:///other',
    parameters: { graceMs: 7_200_000, dryRun: true },
  });
});

test('A time of grace that is none is refused, and nothing is started', async (t) => {
  const api = await startApi(t);
  const { code, stderr } = await cli(api, 'backup', 'sweep', '--grace', 'soon');
  t.is(code, 2);
  t.regex(stderr, /grace: expected a duration/);
  t.is(api.jobs.running(), null);
});

const ENDED = {
  id: 4,
  type: 'SWEEP',
  started: 0,
  finished: 1,
  aborted: false,
  result: 'SUCCESS',
  remainingNodes: [],
  currentNodes: [],
  completedNodes: [],
  phases: [],
  errors: [],
} satisfies Partial<JobView>;

test('What a sweep found is shown with the reason, and whether it is gone', (t) => {
  const entry = { path: 'dev/node/never-ended/', files: 3, bytes: 2048, reason: 'an incomplete backup' };
  const job = (dryRun: boolean, found: (typeof entry)[]): string =>
    describeJob({ ...ENDED, swept: { dryRun, files: 3, bytes: 2048, found } } as unknown as JobView, 1);
  t.regex(job(true, [entry]), /never-ended\/ +3 +2\.0 KiB +an incomplete backup\nWould delete 3 files, 2\.0 KiB\./);
  t.regex(job(false, [entry]), /Deleted 3 files/);
  t.regex(job(false, []), /Found nothing\./);
});

function deletion(filesKept: number): string {
  return describeJob({ ...ENDED, type: 'DELETE', backupName: 'monday', filesKept } as unknown as JobView, 1);
}

test('Of a deletion it is said what stays, because other backups need it', (t) => {
  t.regex(deletion(12), /12 files stay until the last backup that refers to them is deleted\./);
  t.regex(deletion(1), /1 file stays until the last backup that refers to it is deleted\./);
  t.notRegex(deletion(0), /stay/);
});
