import { existsSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { sha256Of, stringifyRecord } from '../../src/storage/manifest.ts';
import { EXECUTOR_ID, manifestOf, type Host } from '../helpers/step-context.ts';
import { COMPONENTS, contentsOf, DATA, hostWithData, increment, inodeOf, linksOf, stored } from './increments.ts';

/** Changed after its backup, by a clock that is ahead of it for sure. */
function touch(path: string): void {
  const later = new Date(Date.now() + 1000);
  utimesSync(path, later, later);
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
  const damaged = [{ executorId: EXECUTOR_ID, path: DATA, problem: 'other content' }];
  const recordSha256 = sha256Of(stringifyRecord(record));
  const when = (await manifestOf(host, 'b2')).started;
  const about = { version: 1, cluster: 'dev', name: 'b1', recordSha256, when };
  const found = { ...about, deep: true, result: 'FAILURE', damagedFiles: 1, damaged };
  writeFileSync(join(host.root, 'backup', 'dev', 'backups', 'b1.verified'), JSON.stringify(found));
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
