import test from 'ava';
import { jobJson } from '../../src/jobs/job-json.ts';
import { stepRequest } from '../../src/jobs/next-steps.ts';
import type { Verification } from '../../src/model/backup.ts';
import { emptyReport } from '../../src/model/step.ts';
import { CLUSTER, down, error, id, inspection, node, nodes, planned, report } from './helpers.ts';
import { finish, refused, rig } from './rig.ts';
import { launchOrder, Ticker, ticker } from './ticker.ts';

const DAMAGE = { executorId: id(1), path: 'ks1/t1/nb-1-big-Data.db', problem: 'it is missing' };
const FOUND = error('BACKUP_DAMAGED', '1 of 4 files are damaged', { keyspace: 'ks1', table: 't1' });

/** What node 1 reports when it finds damage. */
const damagedReport = () => report({ inspection: inspection({ damagedFiles: 1, damaged: [DAMAGE] }), errors: [FOUND] });

test('all nodes inspect at once and know of each other, then the finding is written down', (t) => {
  const turned = ticker('VERIFY', 3, { deep: true });
  const job = turned.run();
  t.is(job.result, 'SUCCESS');
  t.deepEqual(launchOrder(turned).slice(0, 3), ['inspect 0', 'inspect 1', 'inspect 2']);
  const request = stepRequest(job, 0, 1, CLUSTER);
  t.is(request.deep, true);
  t.deepEqual(request.inspectors?.[1], { executorId: id(1), hostId: 'host-id-1', tokens: ['100'], ready: true });
  const finding = JSON.parse(stepRequest(job, 1, 0, CLUSTER).record ?? '') as Verification;
  t.like(finding, { version: 1, cluster: CLUSTER, name: 'b1', deep: true, result: 'SUCCESS', damagedFiles: 0 });
});

test('damage makes the job a failure that names every file, and is written down', (t) => {
  const turned = ticker('VERIFY', 2);
  const job = turned.run(({ phase, executorId }) =>
    phase === 'inspect' && executorId === id(1) ? damagedReport() : undefined,
  );
  t.is(job.result, 'FAILURE');
  const json = jobJson(job, nodes(2));
  t.like(json, { deep: false, damaged: [DAMAGE], extra: [] });
  t.like(json.errors, [{ code: 'BACKUP_DAMAGED', keyspace: 'ks1', table: 't1' }]);
  t.deepEqual(turned.states('commit'), ['SUCCESS', 'SUCCESS']);
  const finding = JSON.parse(stepRequest(job, 1, 0, CLUSTER).record ?? '') as Verification;
  t.like(finding, { result: 'FAILURE', damagedFiles: 1, damaged: [DAMAGE] });
});

test('damage in a document of the whole backup is named once', (t) => {
  const damaged = [{ executorId: null, path: 'test/backups/b1.json', problem: 'it is no JSON' }];
  const job = ticker('VERIFY', 3).run(({ phase }) =>
    phase === 'inspect' ? { ...emptyReport(), inspection: inspection({ damaged }), errors: [FOUND] } : undefined,
  );
  t.is(job.result, 'FAILURE');
  t.deepEqual(jobJson(job, []).damaged, damaged);
});

test('where a node could not look and the others found nothing, nothing is claimed', (t) => {
  const cluster = [node(0), { ...down(1), targetRunState: 'STOP' as const }];
  const turned = new Ticker(planned('VERIFY', cluster), cluster);
  const job = turned.run();
  t.is(job.result, 'FAILURE');
  t.like(jobJson(job, cluster).errors, [{ code: 'NODE_STOPPED', executorId: id(1) }]);
  t.deepEqual(turned.states('commit'), ['SKIPPED', 'SKIPPED']);
});

test('nodes that read different records have no common finding', (t) => {
  const job = ticker('VERIFY', 2).run(({ phase, executorId }) =>
    phase === 'inspect' ? report({ inspection: inspection({ recordSha256: executorId }) }) : undefined,
  );
  t.is(job.result, 'FAILURE');
  t.like(job.errors, [{ code: 'BACKUP_DAMAGED' }]);
});

test('a finding is remembered with the backup', async (t) => {
  const made = rig(t);
  await made.jobs.start('BACKUP', { name: 'b1' });
  finish(made);
  made.found = { state: 'COMPLETE', message: null };
  await made.jobs.start('VERIFY', { name: 'b1', deep: true });
  finish(made, ({ phase, executorId }) => (phase === 'inspect' && executorId === id(1) ? damagedReport() : undefined));
  const entry = made.state.backups.find('file:///backup', 'b1');
  t.like(entry, { state: 'COMPLETE', summary: { verification: { deep: true, result: 'FAILURE' } } });
});

test('what has no record, or is not there, cannot be verified', async (t) => {
  const made = rig(t);
  await refused(t, made.jobs.start('VERIFY', { name: 'b1' }), 'BACKUP_NOT_FOUND');
  for (const state of ['INCOMPLETE', 'DELETING'] as const) {
    made.found = { state, message: null };
    await refused(t, made.jobs.start('VERIFY', { name: 'b1' }), 'BACKUP_INCOMPLETE');
  }
  await refused(t, made.jobs.start('VERIFY', {}), 'NAME_REQUIRED');
  made.found = { state: 'DAMAGED', message: null };
  await t.notThrowsAsync(made.jobs.start('VERIFY', { name: 'b1' }));
});
