import { existsSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../src/clock.ts';
import { nodeBackup } from '../../src/executor/node-backup.ts';
import type { BackupRecord } from '../../src/model/backup.ts';
import { sha256Of, stringifyRecord } from '../../src/storage/manifest.ts';
import { EXECUTOR_ID, manifestOf, type Host } from '../helpers/step-context.ts';
import { COMPONENTS, contentsOf, DATA, hostWithData, increment, inodeOf, linksOf, stored } from './increments.ts';

/** Changed after its backup, by a clock that is ahead of it for sure. */
function touch(path: string): void {
  const later = new Date(Date.now() + 1000);
  utimesSync(path, later, later);
}

/** What a verification of a backup leaves that has found other content in its Data.db. */
function markDamaged(host: Host, record: BackupRecord, when: number): void {
  const damaged = [{ executorId: EXECUTOR_ID, path: DATA, problem: 'other content' }];
  const about = {
    version: 1,
    cluster: 'dev',
    name: record.name,
    recordSha256: sha256Of(stringifyRecord(record)),
    when,
  };
  const found = { ...about, deep: true, result: 'FAILURE', damagedFiles: 1, damaged };
  writeFileSync(join(host.root, 'backup', 'dev', 'backups', `${record.name}.verified`), JSON.stringify(found));
}

const spoilt: [string, (host: Host) => void][] = [
  ['was deleted', (host) => rmSync(stored(host, 'b1', DATA))],
  ['was cut short', (host) => truncateSync(stored(host, 'b1', DATA), 1)],
  [
    'was overwritten',
    (host) => {
      writeFileSync(stored(host, 'b1', DATA), 'adx');
      touch(stored(host, 'b1', DATA));
    },
  ],
  ['was touched', (host) => touch(stored(host, 'b1', DATA))],
  [
    'is a folder now',
    (host) => {
      rmSync(stored(host, 'b1', DATA));
      rmSync(stored(host, 'b1', 'shop'), { recursive: true });
    },
  ],
];

for (const [title, spoil] of spoilt) {
  test(`a file of the earlier backup that ${title} is sent again`, async (t) => {
    const host = await hostWithData(t);
    await increment(host, 'b1');
    spoil(host);
    const { filesSent = 0 } = await increment(host, 'b2');
    t.true(filesSent >= 1);
    t.is((await contentsOf(host, 'b2'))[DATA], 'ada');
    if (existsSync(stored(host, 'b1', DATA))) {
      t.not(inodeOf(stored(host, 'b1', DATA)), inodeOf(stored(host, 'b2', DATA)));
    }
  });
}

test('what was sent again is what the next backup builds on', async (t) => {
  const host = await hostWithData(t);
  await increment(host, 'b1');
  truncateSync(stored(host, 'b1', DATA), 1);
  await increment(host, 'b2');
  t.is((await increment(host, 'b3')).filesSent, 0);
  t.is(inodeOf(stored(host, 'b3', DATA)), inodeOf(stored(host, 'b2', DATA)));
});

const unusable: [string, (host: Host) => void][] = [
  ['has no record', (host) => rmSync(join(host.root, 'backup', 'dev', 'backups', 'b1.json'))],
  ['has another manifest than its record says', (host) => writeFileSync(stored(host, 'b1', 'manifest.json'), '{}')],
  [
    'has a broken record',
    (host) => writeFileSync(join(host.root, 'backup', 'dev', 'backups', 'b1.json'), '{"version"'),
  ],
  ['is being deleted', (host) => writeFileSync(join(host.root, 'backup', 'dev', 'backups', 'b1.deleting'), '{}')],
];

for (const [title, change] of unusable) {
  test(`nothing is linked to an earlier backup that ${title}`, async (t) => {
    const host = await hostWithData(t);
    await increment(host, 'b1');
    change(host);
    t.is((await increment(host, 'b2')).filesSent, COMPONENTS);
    t.is(linksOf(stored(host, 'b1', DATA)), 1);
  });
}

test('a file that a verification found damaged is sent again once, and by later backups linked to its new copy', async (t) => {
  const host = await hostWithData(t);
  const { record } = await increment(host, 'b1');
  await increment(host, 'b2');
  markDamaged(host, record, (await manifestOf(host, 'b2')).started);
  t.is((await increment(host, 'b3')).filesSent, 1);
  t.is(linksOf(stored(host, 'b3', DATA)), 1);
  t.is((await increment(host, 'b4')).filesSent, 0);
  t.is(inodeOf(stored(host, 'b4', DATA)), inodeOf(stored(host, 'b3', DATA)));
});

test('mode=full sends everything and shares nothing, and later increments build on it', async (t) => {
  const host = await hostWithData(t);
  await increment(host, 'b1');
  const full = await increment(host, 'b2', { mode: 'full' });
  t.is(full.filesSent, COMPONENTS);
  t.not(inodeOf(stored(host, 'b1', DATA)), inodeOf(stored(host, 'b2', DATA)));
  t.is((await manifestOf(host, 'b2')).mode, 'full');
  await increment(host, 'b3');
  t.is(inodeOf(stored(host, 'b3', DATA)), inodeOf(stored(host, 'b2', DATA)));
});

test('damage stays damage where the clock was ahead when the backup was made', async (t) => {
  const host = await hostWithData(t);
  const contextNow = host.context.bind(host);
  const ahead = { ...systemClock, now: () => systemClock.now() + 86_400_000 };
  host.context = (request, change) => contextNow(request, { clock: ahead, ...change });
  const { record } = await increment(host, 'b1');
  host.context = contextNow;
  markDamaged(host, record, Date.now());
  t.is((await increment(host, 'b2')).filesSent, 1);
  t.is(linksOf(stored(host, 'b2', DATA)), 1);
});

test('what only an older backup holds is found, and no manifest is read that is not needed for it', async (t) => {
  const host = await hostWithData(t);
  host.node.createTable('stock', 'parts');
  host.node.write('stock', 'parts', 'bolt');
  for (const name of ['b1', 'b2', 'b3']) await increment(host, name);
  await increment(host, 'b4', { keyspaces: ['shop'] });
  const read: string[] = [];
  const { storage } = host;
  host.storage = new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (name !== 'getDocument') return method;
      return (key: string) => {
        if (key.endsWith('/manifest.json')) read.push(key.split('/')[2] ?? '');
        return method(key);
      };
    },
  });
  const context = host.context({ backupName: 'b5', jobUuid: 'job-b5' });
  await nodeBackup(context);
  t.is(context.reporter.report.manifest?.filesSent, 0);
  t.deepEqual(read, ['b4', 'b3']);
});
