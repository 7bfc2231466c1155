import test from 'ava';
import { jobJson } from '../../src/jobs/job-json.ts';
import type { ClusterJob } from '../../src/model/cluster-job.ts';
import { emptyReport } from '../../src/model/step.ts';
import { check, error, failedKeyspace, id, keyspace, manifest, node, nodes, report, START } from './helpers.ts';
import { ticker, type Script, type Ticker } from './ticker.ts';

function json(turned: Ticker) {
  return jobJson(turned.job, turned.nodes);
}

function phaseStates(job: ClusterJob): string[] {
  return jobJson(job, nodes(2)).phases.map(({ name, state }) => `${name} ${state}`);
}

const twoKeyspaces: Script = ({ phase, executorId }) => {
  if (phase === 'check')
    return { ...emptyReport(), check: check(executorId, [id(0)], { tables: ['ks1.t1', 'ks2.t2'] }) };
  if (phase === 'confirm' || phase === 'commit') return undefined;
  return report({ keyspaces: { ks1: keyspace(), ks2: keyspace() }, manifest: manifest(executorId) });
};

test("the forerunner's fields come first and in its order, then ours", (t) => {
  const turned = ticker('BACKUP', 2);
  turned.run();
  const shown = json(turned);
  t.deepEqual(Object.keys(shown), [
    'type',
    'started',
    'finished',
    'aborted',
    'remainingNodes',
    'currentNode',
    'completedNodes',
    'backupName',
    'id',
    'result',
    'location',
    'progress',
    'bytesTotal',
    'bytesDone',
    'filesTotal',
    'filesDone',
    'rate',
    'eta',
    'bandwidth',
    'clusterBandwidth',
    'mode',
    'phases',
    'errors',
    'currentNodes',
  ]);
  t.like(shown, {
    type: 'BACKUP',
    started: START,
    finished: turned.now,
    aborted: false,
    remainingNodes: [],
    currentNode: null,
    backupName: 'b1',
    id: 7,
    result: 'SUCCESS',
    location: 'file:///backup',
    progress: 1,
    errors: [],
  });
});

test('a completed node looks as the forerunner showed it', (t) => {
  const turned = ticker('BACKUP', 1).tick(1_000);
  turned.now += 20;
  turned.end().tick();
  const [shown] = json(turned).completedNodes;
  t.deepEqual(shown, {
    executorId: id(0),
    taskId: `${id(0)}.BACKUP`,
    hostname: 'host0',
    ip: '127.0.0.1',
    startedTimestamp: START + 1_000,
    finishedTimestamp: START + 1_020,
    processedKeyspaces: {
      ks1: {
        status: 'SUCCESS',
        durationMillis: 5,
        tables: { t1: { files: 1, bytes: 100, error: null, safetySnapshot: null } },
        bytes: 100,
        error: null,
      },
    },
    remainingKeyspaces: [],
    bytesTotal: 100,
    bytesDone: 100,
    filesTotal: 1,
    filesDone: 1,
    rate: null,
    eta: null,
    bandwidth: null,
    current: null,
  });
  t.deepEqual(Object.keys(shown ?? {}).slice(0, 4), ['executorId', 'taskId', 'hostname', 'ip']);
});

test('a job that has just begun knows no times but its own', (t) => {
  const turned = ticker('BACKUP', 1);
  t.like(json(turned), { finished: null, result: null, progress: null, bytesTotal: null, currentNode: null });
  turned.tick();
  t.like(json(turned).currentNode, { startedTimestamp: START, finishedTimestamp: null, processedKeyspaces: {} });
  t.false(JSON.stringify(json(turned)).includes('"finishedTimestamp":0'));
});

test("a failed node shows the executor's own words", (t) => {
  const turned = ticker('BACKUP', 2);
  turned.run(({ phase, executorId }) =>
    phase === 'backup' && executorId === id(1) ? error('NO_SPACE', 'disk full') : undefined,
  );
  const failed = json(turned).completedNodes.find(({ executorId }) => executorId === id(1));
  t.deepEqual(failed?.failure, { failed: true, message: 'disk full' });
  t.deepEqual(Object.keys(failed ?? {}).slice(3, 6), ['ip', 'failure', 'startedTimestamp']);
  t.false('failure' in (json(turned).completedNodes.find(({ executorId }) => executorId === id(0)) ?? {}));
});

test('what is not known of a node is left out', (t) => {
  const turned = ticker('BACKUP', 2).tick().end().tick().end();
  const shown = jobJson(turned.job, [node(0, { ip: null, hostname: null })]).completedNodes;
  for (const one of shown) t.false('ip' in one || 'hostname' in one);
});

test('a keyspace of a restore is processed when its load ended, and its time is that of all phases', (t) => {
  const turned = ticker('RESTORE', 1).until('load', twoKeyspaces);
  const keyspaces = () => {
    const shown = json(turned);
    const entry = shown.currentNode ?? shown.completedNodes[0];
    return [entry?.processedKeyspaces, entry?.remainingKeyspaces];
  };
  t.deepEqual(keyspaces(), [{}, ['ks1', 'ks2']]);
  const half = report({ keyspaces: { ks1: keyspace(), ks2: keyspace() }, remainingKeyspaces: ['ks2'] });
  turned.progress(turned.step('load', 0).taskId ?? '', half);
  t.like(keyspaces(), [{ ks1: { status: 'SUCCESS', durationMillis: 10 } }, ['ks2']]);
  t.false('ks2' in (keyspaces()[0] ?? {}));
  turned.run(twoKeyspaces);
  t.like(keyspaces(), [{ ks1: { durationMillis: 15 }, ks2: { durationMillis: 15 } }, []]);
});

test('a keyspace that failed while it was staged is processed, with the reason', (t) => {
  const turned = ticker('RESTORE', 1).until('stage', twoKeyspaces);
  const keyspaces = { ks1: keyspace(), ks2: failedKeyspace('sha256 differs') };
  const words = report({ keyspaces, errors: [error('BACKUP_DAMAGED', 'sha256 differs', { keyspace: 'ks2' })] });
  turned.status(turned.step('stage', 0).taskId ?? '', 'FAILED', words).tick();
  const [shown] = json(turned).completedNodes;
  t.like(shown, {
    failure: { failed: true, message: 'sha256 differs' },
    processedKeyspaces: { ks2: { status: 'FAILURE', error: 'sha256 differs' } },
    remainingKeyspaces: ['ks1'],
  });
  t.deepEqual(json(turned).errors, [error('BACKUP_DAMAGED', 'sha256 differs', { keyspace: 'ks2', executorId: id(0) })]);
});

test('keyspaces may have the names of everything that objects have', (t) => {
  const turned = ticker('BACKUP', 1).tick();
  turned.progress(turned.step('backup', 0).taskId ?? '', report({ remainingKeyspaces: ['constructor', 'tostring'] }));
  t.deepEqual(json(turned).currentNode?.remainingKeyspaces, ['constructor', 'tostring']);
});

test('phases show their strategy, times and steps', (t) => {
  const turned = ticker('RESTORE', 2, { strategy: 'parallel', concurrency: 2 }).until('stage');
  const { phases } = json(turned);
  t.deepEqual(
    phases.map(({ name, state, strategy, concurrency }) => [name, state, strategy, concurrency]),
    [
      ['check', 'SUCCESS', 'parallel', 2],
      ['stage', 'RUNNING', 'parallel', 2],
      ['truncate', 'PENDING', 'once', 1],
      ['load', 'PENDING', 'parallel', 2],
      ['verify', 'PENDING', 'parallel', 2],
    ],
  );
  t.like(phases[0], { started: START + 1_000, finished: START + 1_000 });
  t.like(phases[1], { started: START + 2_000, finished: null });
  t.like(phases[2], { started: null, finished: null });
  turned.progress(turned.step('stage', 0).taskId ?? '', report({ current: 'ks1.t1', bytesDone: 5 }));
  t.deepEqual(json(turned).phases[1]?.steps[0], {
    executorId: id(0),
    taskId: `${id(0)}.RESTORE.7.stage.1`,
    state: 'RUNNING',
    attempt: 1,
    started: START + 2_000,
    finished: null,
    bytesTotal: 100,
    bytesDone: 5,
    filesTotal: 1,
    filesDone: 1,
    current: 'ks1.t1',
    error: null,
  });
});

test('a phase that failed or was left out says so', (t) => {
  const serial = ticker('BACKUP', 2);
  t.deepEqual(phaseStates(serial.run(() => error('NO_SPACE', 'x'))), [
    'backup FAILED',
    'confirm SKIPPED',
    'commit SKIPPED',
  ]);
  t.is(json(serial).phases[0]?.strategy, 'serial');
});
