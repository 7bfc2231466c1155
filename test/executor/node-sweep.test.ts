import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { nodeSweep } from '../../src/executor/node-sweep.ts';
import type { StepRequest, SweepReport } from '../../src/model/step.ts';
import { findBackup } from '../../src/storage/find-backup.ts';
import { TEMPORARY_PREFIX } from '../../src/storage/layout.ts';
import { openStorage } from '../../src/storage/open.ts';
import { atEveryCrash } from '../helpers/crash-at.ts';
import { inspectBackup } from '../helpers/inspect-backup.ts';
import { runStepAt } from '../helpers/run-step-at.ts';
import { backUp, EXECUTOR_ID, makeHost, storePart, type Host } from '../helpers/step-context.ts';

const OTHER = 'cassandra.dev.node.7.executor';
const RECORDS = join('dev', 'backups');
const SWEEP: Partial<StepRequest> = { type: 'SWEEP', phase: 'sweep', jobUuid: 'sweeping', backupName: '', graceMs: 0 };
const sweepAt = (location: string) => ({ location, request: SWEEP });

async function hostWith(t: ExecutionContext, ...names: string[]): Promise<Host> {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada');
  for (const backupName of names) await backUp(host, { backupName, jobUuid: `job of ${backupName}` });
  return host;
}

async function sweep(host: Host, change: Partial<StepRequest> = {}): Promise<SweepReport> {
  const context = host.context({ ...SWEEP, ...change });
  await nodeSweep(context);
  return context.reporter.report.sweep ?? { files: 0, bytes: 0, backups: [], found: [] };
}

const at = (host: Host, ...path: string[]): string => join(host.root, 'backup', ...path);

function put(path: string, content = 'rubbish'): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** Everything that lies there, but for the lock and its clock. */
const everything = (directory: string): string[] =>
  (readdirSync(directory, { recursive: true }) as string[])
    .filter((path) => !path.startsWith(join(RECORDS, 'lock')) && statSync(join(directory, path)).isFile())
    .toSorted();

/** As a backup writes it when it begins. */
const STARTED = '{"version":1,"jobUuid":"x","started":1,"keyspaces":{},"files":{}}';

/** Every kind of rubbish beside two whole backups. Returns what is none. */
function litter(host: Host): string[] {
  const whole = everything(at(host));
  put(at(host, 'dev', EXECUTOR_ID, 'monday', 'shop', 'users', `${TEMPORARY_PREFIX}left`));
  put(at(host, RECORDS, `${TEMPORARY_PREFIX}left`));
  put(at(host, 'dev', EXECUTOR_ID, 'monday', 'shop', 'users', 'nb-99-big-Data.db'));
  put(at(host, RECORDS, 'gone.verified'), '{}');
  for (const part of [join(EXECUTOR_ID, 'never-ended'), join(OTHER, 'tuesday'), join(EXECUTOR_ID, 'cut')]) {
    put(at(host, 'dev', part, 'shop', 'users', 'nb-1-big-Data.db'));
    put(at(host, 'dev', part, 'started.json'), STARTED);
  }
  put(at(host, RECORDS, 'cut.deleting'), '{"version":1,"cluster":"dev","name":"cut","started":1,"whole":true}');
  return whole;
}

test('every kind of rubbish goes, and nothing else', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday');
  const whole = litter(host);
  const { files, bytes, found } = await sweep(host);
  t.deepEqual(everything(at(host)), whole);
  const reasons = found.map(({ path, reason }) => `${path}: ${reason}`).join('\n');
  for (const part of [
    `dev/backups/${TEMPORARY_PREFIX}left: an unfinished file`,
    'nb-99-big-Data.db: a file that no manifest names',
    'gone.verified: what a verification found',
    `dev/${EXECUTOR_ID}/never-ended/: an incomplete backup`,
    `dev/${OTHER}/tuesday/: the backup's record does not name`,
    `dev/${EXECUTOR_ID}/cut/: its deletion has begun`,
  ]) {
    t.true(reasons.includes(part), `${part} in ${reasons}`);
  }
  t.is(files, 10);
  t.true(bytes > 0);
  for (const name of ['monday', 'tuesday']) t.deepEqual(await inspectBackup(host, host.storage, name), []);
  t.deepEqual(await sweep(host), { files: 0, bytes: 0, backups: [], found: [] });
});

test('a dry run says the same and changes nothing', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday');
  litter(host);
  const before = everything(at(host));
  const told = await sweep(host, { dryRun: true });
  t.deepEqual(everything(at(host)), before);
  t.deepEqual(await sweep(host), { ...told, backups: ['cut', 'never-ended'] });
});

test('what was changed within the time of grace stays, but for a deletion that has begun', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday');
  litter(host);
  const before = everything(at(host)).filter((path) => !path.includes('/cut'));
  const { found } = await sweep(host, { graceMs: 24 * 3_600_000 });
  t.deepEqual(
    found.map(({ path }) => path),
    [`dev/${EXECUTOR_ID}/cut/`],
  );
  t.deepEqual(everything(at(host)), before);
});

test('trees of other programs and of other clusters, and adoptions that have begun, stay', async (t) => {
  const host = await hostWith(t, 'monday');
  await storePart(host, { cluster: 'other', jobUuid: 'other' });
  put(at(host, 'other', `${TEMPORARY_PREFIX}left`));
  put(at(host, 'dev', EXECUTOR_ID, 'foreign', 'ks', 't', 'nb-1-big-Data.db'));
  put(at(host, 'dev', EXECUTOR_ID, 'adopting', 'ks', 't', 'nb-1-big-Data.db'));
  put(
    at(host, 'dev', EXECUTOR_ID, 'adopting', 'started.json'),
    '{"version":1,"jobUuid":"x","started":1,"adoptedFrom":"dev"}',
  );
  await storePart(host, { backupName: 'mixed', jobUuid: 'mixed' });
  put(at(host, 'dev', OTHER, 'mixed', 'ks', 't', 'nb-1-big-Data.db'));
  put(at(host, 'dev', 'lost+found', 'file'));
  const before = everything(at(host));
  t.deepEqual(await sweep(host), { files: 0, bytes: 0, backups: [], found: [] });
  t.deepEqual(everything(at(host)), before);
});

test('bytes that a manifest names as the place where they lie stay, with the documents that say whose they are', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday', 'wednesday');
  const places = [`${EXECUTOR_ID}/monday`, `${EXECUTOR_ID}/never-ended`, `${OTHER}/tuesday`];
  for (const place of places) {
    put(at(host, 'dev', place, 'shop', 'users', 'needed'));
    put(at(host, 'dev', place, 'shop', 'users', 'not-needed'));
  }
  for (const place of places.slice(1)) put(at(host, 'dev', place, 'started.json'), STARTED);
  const manifest = at(host, 'dev', EXECUTOR_ID, 'wednesday', 'manifest.json');
  const sources = places.map((place) => `"source": "dev/${place}/shop/users/needed"`).join(', "x": {}, ');
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"sha256"', `${sources}, "sha256"`));
  await sweep(host);
  for (const place of places) {
    t.true(existsSync(at(host, 'dev', place, 'shop', 'users', 'needed')), place);
    t.false(existsSync(at(host, 'dev', place, 'shop', 'users', 'not-needed')), place);
  }
  t.true(existsSync(at(host, 'dev', OTHER, 'tuesday', 'started.json')));
  t.is((await findBackup(host.storage, 'dev', 'never-ended')).state, 'DELETING');
  // What others need of it is no rubbish.
  const again = (await sweep(host)).found.map(({ path }) => path);
  t.false(
    again.some((path) => path.includes('never-ended')),
    again.join(', '),
  );
});

const damages: Record<string, (path: string) => void> = {
  'with a flipped bit': (path) => {
    const bytes = readFileSync(path);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    writeFileSync(path, bytes);
  },
  'cut short': (path) => truncateSync(path, statSync(path).size >> 1),
  empty: (path) => truncateSync(path, 0),
};

for (const [how, damage] of Object.entries(damages)) {
  test(`a manifest or record ${how} protects all that has its name`, async (t) => {
    const host = await hostWith(t, 'monday', 'tuesday', 'wednesday');
    await storePart(host, { backupName: 'never-ended', jobUuid: 'never ended' });
    for (const name of ['monday', 'tuesday']) put(at(host, 'dev', EXECUTOR_ID, name, 'shop', 'users', 'extra'));
    damage(at(host, 'dev', EXECUTOR_ID, 'monday', 'manifest.json'));
    truncateSync(at(host, RECORDS, 'tuesday.json'), 100);
    if (how !== 'with a flipped bit') damage(at(host, 'dev', EXECUTOR_ID, 'never-ended', 'manifest.json'));
    else put(at(host, 'dev', EXECUTOR_ID, 'never-ended', 'manifest.json'), '{"version":1]');
    const before = everything(at(host));
    const { files, found } = await sweep(host);
    t.deepEqual(everything(at(host)), before);
    t.is(files, 0);
    t.deepEqual(
      found.map(({ path, reason }) => `${path}: ${reason.slice(0, 13)}`).toSorted(),
      ['monday', 'never-ended', 'tuesday'].map((name) => `dev/backups/${name}.json: left as it is`),
    );
  });
}

test('manifests that were swapped protect both of their folders', async (t) => {
  const host = await hostWith(t, 'monday', 'tuesday');
  for (const name of ['one', 'two']) await storePart(host, { backupName: name, jobUuid: name });
  for (const [left, right] of [
    ['monday', 'tuesday'],
    ['one', 'two'],
  ] as const) {
    const paths = [left, right].map((name) => at(host, 'dev', EXECUTOR_ID, name, 'manifest.json')) as [string, string];
    renameSync(paths[0], `${paths[0]}.x`);
    renameSync(paths[1], paths[0]);
    renameSync(`${paths[0]}.x`, paths[1]);
  }
  put(at(host, 'dev', EXECUTOR_ID, 'monday', 'shop', 'users', 'extra'));
  const before = everything(at(host));
  await sweep(host);
  t.deepEqual(everything(at(host)), before);
});

test('nothing is swept while a renaming is not at its end', async (t) => {
  const host = await hostWith(t, 'monday');
  put(
    at(host, RECORDS, '.renaming'),
    '{"version":1,"cluster":"dev","from":"a","to":"b","changes":[],"files":0,"bytes":0}',
  );
  const { state, message } = await runStepAt(at(host), SWEEP);
  t.is(state, 'TASK_FAILED');
  t.regex(message, /renaming of a to b/);
});

test('a sweep that is killed at any change of the file system loses nothing of what stays, and goes on', async (t) => {
  t.timeout(110_000);
  const host = await hostWith(t, 'monday', 'tuesday');
  const whole = litter(host);
  const crashes = await atEveryCrash(at(host), sweepAt, async (location, crash) => {
    const storage = await openStorage(location, { pool: host.pool, baseDirectory: '/', create: false });
    for (const name of ['monday', 'tuesday']) {
      t.is((await findBackup(storage, 'dev', name)).state, 'COMPLETE');
      t.deepEqual(await inspectBackup(host, storage, name), [], `${name}, cut at ${crash}`);
    }
    t.is((await runStepAt(location, SWEEP)).state, 'TASK_FINISHED');
    t.deepEqual(everything(location), whole, `gone on after a cut at ${crash}`);
  });
  t.true(crashes > 20);
});
