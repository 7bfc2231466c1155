import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.ts';
import { OperatorError } from '../../src/errors.ts';
import { nodePreflight, promptly } from '../../src/executor/node-preflight.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { LocationLock } from '../../src/storage/location-lock.ts';
import { readLocation } from '../../src/storage/read-backups.ts';
import { crashStepAt } from '../helpers/crash-at.ts';
import { HandClock } from '../helpers/hand-clock.ts';
import { runStepOn } from '../helpers/run-step-at.ts';
import { backUp, makeHost, type Host } from '../helpers/step-context.ts';

const run = promisify(execFile);

async function hostWithData(t: ExecutionContext): Promise<Host> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada '.repeat(1000));
  return host;
}

const PREFLIGHT = { phase: 'preflight', scheduler: 'one' } as const satisfies Partial<StepRequest>;

const never = (): Promise<void> => new Promise(() => undefined);

const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted();

async function takeAs(host: Host, scheduler: string): Promise<LocationLock> {
  const job = { jobUuid: 'another', jobId: 7, jobType: 'BACKUP', hostname: 'slave0', since: 0 } as const;
  return LocationLock.take(host.storage, 'dev', { scheduler, ...job });
}

/** A file system of its own; null where this machine does not allow it. */
async function mounted(t: ExecutionContext, { root }: Host, options = 'ro,size=1m'): Promise<string | null> {
  const directory = join(root, 'mounted');
  mkdirSync(directory);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]);
  } catch (error) {
    t.log(`not tried here, because mounting is not allowed: ${String(error)}`);
    t.pass();
    return null;
  }
  t.teardown(() => run('umount', ['-l', directory]));
  return directory;
}

test('a node makes the location, proves that it can write there and keeps it for its job, whatever Cassandra says', async (t) => {
  const host = await hostWithData(t);
  host.node.before = () => {
    throw new OperatorError('CASSANDRA_UNAVAILABLE', 'connection refused');
  };
  const location = join(host.root, 'new', 'place');
  const { state, report } = await runStepOn(host.node, location, PREFLIGHT);
  t.is(state, 'TASK_FINISHED');
  t.deepEqual(report.errors, []);
  t.deepEqual(host.node.calls, []);
  t.deepEqual(filesBelow(location), [join(location, 'dev', 'backups', 'lock', '1.json')]);
  const { report: second } = await runStepOn(host.node, location, { ...PREFLIGHT, scheduler: 'two' });
  t.like(second.errors[0], { code: 'LOCATION_LOCKED' });
});

test('what another program has made is looked at where it is: no place is made for it', async (t) => {
  const host = await hostWithData(t);
  const location = join(host.root, 'nowhere');
  const { report } = await runStepOn(host.node, location, { ...PREFLIGHT, type: 'ADOPT' });
  t.like(report.errors[0], { code: 'STORAGE_FAILED' });
  t.false(existsSync(location));
});

test('nothing is written where another scheduler is at work', async (t) => {
  const host = await hostWithData(t);
  await takeAs(host, 'two');
  const before = filesBelow(join(host.root, 'backup'));
  const { state, report } = await runStepOn(host.node, join(host.root, 'backup'), PREFLIGHT);
  t.is(state, 'TASK_FAILED');
  t.like(report.errors[0], { code: 'LOCATION_LOCKED' });
  // The lock itself asks the place for its time.
  const after = filesBelow(join(host.root, 'backup')).filter((path) => !path.endsWith('/clock'));
  t.deepEqual(after, before);
});

test('a directory that cannot be written to fails the step with what to do, and no snapshot was taken', async (t) => {
  const host = await hostWithData(t);
  const directory = await mounted(t, host);
  if (directory === null) return;
  const { state, message, report } = await runStepOn(host.node, directory, PREFLIGHT);
  t.is(state, 'TASK_FAILED');
  t.regex(message, /EROFS: .*\. .* is mounted read-only: mount it for writing\./);
  t.like(report.errors[0], { code: 'STORAGE_FAILED', message });
  t.deepEqual(host.node.calls, []);
});

test('a key that is missing to encrypt with is told before anything is stored', async (t) => {
  const host = await hostWithData(t);
  const location = join(host.root, 'coded');
  const { message, report } = await runStepOn(host.node, `${location}?encryption=file:/nowhere/keys`, PREFLIGHT);
  t.like(report.errors[0], { code: 'STORAGE_FAILED' });
  t.regex(message, /\/nowhere\/keys/);
  t.false(existsSync(location));
});

test('a node that was down when the others looked does so before its snapshot', async (t) => {
  const host = await hostWithData(t);
  const directory = await mounted(t, host);
  if (directory === null) return;
  for (const phase of ['snapshot', 'backup'] as const) {
    const { report } = await runStepOn(host.node, directory, { phase, preflightDue: true });
    t.like(report.errors[0], { code: 'STORAGE_FAILED' });
  }
  t.false(host.node.calls.some((call) => call.startsWith('takeSnapshot')));
  t.is((await runStepOn(host.node, join(host.root, 'backup'), { preflightDue: true })).state, 'TASK_FINISHED');
});

test('the lock is given back where the job may end here, and taken again where it goes on', async (t) => {
  const host = await hostWithData(t);
  const small = await mounted(t, host, 'size=64k');
  if (small === null) return;
  host.node.write('shop', 'users', 'x'.repeat(100_000));
  t.like((await runStepOn(host.node, small, PREFLIGHT)).report.errors[0], { code: 'NO_SPACE' });
  const other = { ...PREFLIGHT, scheduler: 'two', jobUuid: 'another', keyspaces: ['shop'] };
  t.is((await runStepOn(host.node, small, other)).state, 'TASK_FINISHED');
});

test('a first or full backup that cannot have room is refused by the node, one that may is not', async (t) => {
  const host = await hostWithData(t);
  const free = (bytes: number | null): void => {
    host.storage.freeBytes = () => Promise.resolve(bytes);
  };
  const refused = {
    code: 'NO_SPACE',
    message: /^\d{4} bytes or more are to be stored at file:.*, 1000 bytes are free there$/,
  };
  free(1000);
  await t.throwsAsync(nodePreflight(host.context()), refused);
  const narrowed: Partial<StepRequest>[] = [
    { keyspaces: ['shop'] },
    { tables: ['shop.users'] },
    { resume: true },
    { type: 'ADOPT' },
    { location: '/backup?compression=zstd' },
  ];
  for (const request of narrowed) await nodePreflight(host.context(request));
  free(null);
  await nodePreflight(host.context());
  free(10_000);
  await nodePreflight(host.context());
  await backUp(host);
  free(1000);
  await nodePreflight(host.context());
  await t.throwsAsync(nodePreflight(host.context({ mode: 'full' })), refused);
});

test('a clock that is a little wrong is told, one that is far away fails the step with the clock to set', async (t) => {
  const host = await hostWithData(t);
  const off = (minutes: number) =>
    host.context({}, { clock: { ...systemClock, now: () => Date.now() + minutes * 60_000 } });
  const little = off(5);
  await nodePreflight(little);
  t.like(little.reporter.report.errors[0], { code: 'CLOCK_SKEW' });
  t.regex(little.reporter.report.errors[0]?.message ?? '', /^the clock of localhost is [45]\.\d min ahead of that/);
  const fine = off(0.5);
  await nodePreflight(fine);
  t.deepEqual(fine.reporter.report.errors, []);
  const far = await t.throwsAsync(nodePreflight(off(-16)), { code: 'CLOCK_SKEW' });
  t.regex(far?.message ?? '', /is 1[56]\.\d min behind that of the location$/);
});

test('a location that never answers is told within 20 seconds, and a kill waits for it no longer', async (t) => {
  const host = await makeHost(t);
  const clock = new HandClock();
  const told: AbortSignal[] = [];
  const hanging = promptly(host.context({}, { clock }), (signal) => {
    told.push(signal);
    return never();
  });
  await Promise.all([
    clock.pass(20_000),
    t.throwsAsync(hanging, { code: 'TIMEOUT', message: /did not answer within 20 s\. Check the store, / }),
  ]);
  t.true(told[0]?.aborted, 'when it wakes it does nothing more');
  const kill = new AbortController();
  const killed = promptly(host.context({}, { clock, signal: kill.signal }), never);
  const reason = new OperatorError('ABORTED', 'the step was killed');
  kill.abort(reason);
  t.is(await t.throwsAsync(killed), reason);
  t.is(clock.sleeping, 0);
});

test('killed anywhere it leaves nothing that is taken for a backup, or is in the way of the next one', async (t) => {
  const host = await hostWithData(t);
  const location = join(host.root, 'backup');
  let at = 1;
  while (await crashStepAt({ at, below: location }, location, PREFLIGHT)) at += 3;
  t.true(at > 5, 'it changes something');
  t.deepEqual((await readLocation(host.storage, 'dev', new Map(), new Map())).backups, []);
  t.is((await runStepOn(host.node, location, { scheduler: 'one' })).state, 'TASK_FINISHED');
});
