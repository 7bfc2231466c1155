import { readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { nodeBackup } from '../../src/executor/node-backup.ts';
import { makeHost, manifestOf } from '../helpers/step-context.ts';
import {
  age,
  contentsOf,
  DATA,
  hostWithData,
  increment,
  inodeOf,
  liveFiles,
  spoilUnseen,
  stored,
} from './increments.ts';

test('a second backup of unchanged data reads no SSTable, sends none, and is complete by itself', async (t) => {
  const host = await makeHost(t);
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', 'ada', { index: 'users_by_name' });
  for (const path of liveFiles(host)) age(path);
  t.is((await increment(host, 'b1')).filesSent, 5);
  // Whoever read one of them would notice.
  for (const path of liveFiles(host).filter((each) => !each.endsWith('Digest.crc32'))) spoilUnseen(path);

  const context = host.context({ backupName: 'b2' });
  await nodeBackup(context);
  const { report } = context.reporter;
  t.like(report, { filesSent: 0, bytesSent: 0, filesDone: 5 });
  t.is(report.bytesDone, report.bytesTotal ?? -1);
  t.like(report.keyspaces['shop'], { filesSent: 0, bytesSent: 0, tables: { users: { filesSent: 0, bytesSent: 0 } } });
  t.like(report.manifest, { files: 5, filesSent: 0, bytesSent: 0 });
  t.is(inodeOf(stored(host, 'b2', DATA)), inodeOf(stored(host, 'b1', DATA)));
  t.true((await manifestOf(host, 'b2')).files.every(({ source }) => source === undefined));
  t.deepEqual(await contentsOf(host, 'b2'), await contentsOf(host, 'b1'));
});

const caches: [string, isRead: boolean, (path: string) => void][] = [
  ['as the executor of before left it', false, () => undefined],
  ['lost', true, (path) => rmSync(path)],
  ['cut short', true, (path) => truncateSync(path, statSync(path).size - 20)],
  [
    'altered',
    true,
    (path) => writeFileSync(path, readFileSync(path, 'utf8').replace(/"[0-9a-f]{64}"/, `"${'0'.repeat(64)}"`)),
  ],
  ['no cache at all', true, (path) => writeFileSync(path, 'rubbish')],
];

for (const [title, isRead, change] of caches) {
  test(`with the digest cache ${title} SSTables are ${isRead ? 'read' : 'not read'}, and what did not change is not sent`, async (t) => {
    const host = await hostWithData(t);
    const cache = join(host.root, 'digests', 'sstables.json');
    for (const path of liveFiles(host)) age(path);
    await increment(host, 'b1');
    change(cache);
    t.is((await increment(host, 'b2')).filesSent, 0);
    t.is(inodeOf(stored(host, 'b2', DATA)), inodeOf(stored(host, 'b1', DATA)));
    change(cache);
    spoilUnseen(host.data.replace('Data.db', 'TOC.txt'));
    t.is((await increment(host, 'b3')).filesSent, isRead ? 1 : 0);
  });
}

test('a file that may still change within the tick of its time stamp is not remembered', async (t) => {
  const host = await hostWithData(t);
  const toc = host.data.replace('Data.db', 'TOC.txt');
  const ahead = new Date(Date.now() + 3_600_000);
  utimesSync(toc, ahead, ahead);
  await increment(host, 'b1');
  writeFileSync(toc, readFileSync(toc, 'utf8').toUpperCase());
  utimesSync(toc, ahead, ahead);
  t.is((await increment(host, 'b2')).filesSent, 1);
});

test('other content of the same size and mtime is found by rehash=true alone', async (t) => {
  const host = await hostWithData(t);
  const toc = host.data.replace('Data.db', 'TOC.txt');
  const path = 'shop/users/nb-1-big-TOC.txt';
  age(toc);
  await increment(host, 'b1');
  spoilUnseen(toc);
  t.is((await increment(host, 'b2')).filesSent, 0);
  t.is((await increment(host, 'b3', { rehash: true })).filesSent, 1);
  t.is((await increment(host, 'b4')).filesSent, 0);
  t.is((await contentsOf(host, 'b4'))[path], readFileSync(toc, 'utf8'));
  t.not((await contentsOf(host, 'b1'))[path], readFileSync(toc, 'utf8'));
});

test('an SSTable that rots on the node after it was backed up is found by rehash=true', async (t) => {
  const host = await hostWithData(t);
  age(host.data);
  await increment(host, 'b1');
  spoilUnseen(host.data);
  t.is((await increment(host, 'b2')).filesSent, 0);
  t.is((await contentsOf(host, 'b2'))[DATA], 'ada');
  await t.throwsAsync(nodeBackup(host.context({ backupName: 'b3', rehash: true })), { code: 'SSTABLE_CORRUPT' });
});
