import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  checkSnapshot,
  findOwnSnapshots,
  listSafetySnapshots,
  removeOwnSnapshots,
  scanSnapshot,
  snapshotTag,
} from '../../src/cassandra/snapshots.ts';
import type { OperatorError } from '../../src/errors.ts';
import { temporaryDirectory } from './real-cassandra.ts';

const ID = 'bc92c1a0e54311f1ad9085b29e2ed175';
const OTHER_ID = 'bd269d30e54311f1ad9085b29e2ed175';
const USERS = { table: 'users', id: 'bc92c1a0-e543-11f1-ad90-85b29e2ed175' };
const TAG = snapshotTag('nightly-1', '6f2c');
const FOLDER = `ks/users-${ID}/snapshots/${TAG}`;

/** Two data directories with the given files. */
async function disks(
  t: ExecutionContext,
  first: Record<string, string>,
  second: Record<string, string> = {},
): Promise<string[]> {
  const root = await temporaryDirectory(t);
  const directories = [join(root, 'disk-0'), join(root, 'disk-1')];
  for (const [index, files] of [first, second].entries()) {
    for (const [path, content] of Object.entries(files)) {
      const file = join(directories[index] ?? '', path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
  }
  return directories;
}

test('a tag says whose it is and of which backup', (t) => {
  t.is(TAG, 'cassandra-mesos-nightly-1-6f2c');
});

test('a scan finds components in all data directories and in index folders, and nothing else', async (t) => {
  const directories = await disks(
    t,
    {
      [`${FOLDER}/nb-1-big-Data.db`]: '12345',
      [`${FOLDER}/.by_age/nb-1-big-Data.db`]: '123',
      [`${FOLDER}/.by_age/deeper/nb-9-big-Data.db`]: 'x',
      [`${FOLDER}/folder/nb-9-big-Data.db`]: 'x',
      [`${FOLDER}/schema.cql`]: 'CREATE',
      [`ks/users-${ID}/snapshots/other/nb-9-big-Data.db`]: 'x',
      [`ks/users-${OTHER_ID}/nb-9-big-Data.db`]: 'x',
      [`ks/not-a-table/snapshots/${TAG}/nb-9-big-Data.db`]: 'x',
    },
    { [`${FOLDER}/nb-2-big-Data.db`]: '1', [`${FOLDER}/manifest.json`]: '{"files":["nb-2-big-Data.db"]}' },
  );
  await symlink('/etc/passwd', join(directories[0] ?? '', FOLDER, 'nb-3-big-Data.db'));

  t.deepEqual(await scanSnapshot(directories, 'ks', TAG), [
    {
      table: 'users',
      id: ID,
      dataDirectory: 0,
      path: join(directories[0] ?? '', FOLDER),
      files: [
        { path: '.by_age/nb-1-big-Data.db', size: 3 },
        { path: 'nb-1-big-Data.db', size: 5 },
      ],
      listed: null,
    },
    {
      table: 'users',
      id: ID,
      dataDirectory: 1,
      path: join(directories[1] ?? '', FOLDER),
      files: [{ path: 'nb-2-big-Data.db', size: 1 }],
      listed: ['nb-2-big-Data.db'],
    },
  ]);
});

test('a snapshot is whole when what its manifest names lies in any of the data directories', async (t) => {
  const directories = await disks(
    t,
    { [`${FOLDER}/nb-1-big-Data.db`]: '1' },
    {
      [`${FOLDER}/.by_age/nb-1-big-Data.db`]: '1',
      [`${FOLDER}/manifest.json`]: '{"files":["nb-1-big-Data.db",".by_age/nb-1-big-Data.db"]}',
    },
  );
  const scan = await scanSnapshot(directories, 'ks', TAG);
  t.notThrows(() => checkSnapshot(scan, [USERS]));
});

test('an empty table and an empty keyspace are whole', async (t) => {
  const directories = await disks(t, { [`${FOLDER}/manifest.json`]: '{"files":[]}' });
  const scan = await scanSnapshot(directories, 'ks', TAG);
  t.notThrows(() => checkSnapshot(scan, [USERS]));
  t.deepEqual(await scanSnapshot(directories, 'never_made', TAG), []);
  t.notThrows(() => checkSnapshot([], []));
});

const INCOMPLETE: [what: string, files: Record<string, string>, words: RegExp][] = [
  ['without the folder of a live table', {}, /users .*no folder/],
  [
    'of a table that was dropped since',
    { [`ks/users-${OTHER_ID}/snapshots/${TAG}/manifest.json`]: '{"files":[]}' },
    /no folder/,
  ],
  ["without Cassandra's manifest", { [`${FOLDER}/nb-1-big-Data.db`]: '1' }, /manifest\.json is missing/],
  [
    'without an SSTable of its manifest',
    { [`${FOLDER}/manifest.json`]: '{"files":["nb-7-big-Data.db"]}' },
    /nb-7-big-Data\.db/,
  ],
];

for (const [what, files, words] of INCOMPLETE) {
  test(`a snapshot ${what} is refused by name`, async (t) => {
    const scan = await scanSnapshot(await disks(t, files), 'ks', TAG);
    const error = t.throws<OperatorError>(() => checkSnapshot(scan, [USERS]));
    t.is(error.code, 'SNAPSHOT_FAILED');
    t.regex(error.message, words);
  });
}

test("a manifest of Cassandra's that cannot be read is an error that names it", async (t) => {
  for (const text of ['{"files":', '{}']) {
    const directories = await disks(t, { [`${FOLDER}/manifest.json`]: text });
    const error = await t.throwsAsync<OperatorError>(scanSnapshot(directories, 'ks', TAG));
    t.is(error.code, 'SNAPSHOT_FAILED');
    t.true(error.message.includes(join(FOLDER, 'manifest.json')));
  }
});

test('our left-over snapshots are found and removed, those of others stay', async (t) => {
  const directories = await disks(
    t,
    { [`${FOLDER}/manifest.json`]: '{}', [`ks/users-${ID}/snapshots/theirs/manifest.json`]: '{}' },
    { [`other/t-${OTHER_ID}/snapshots/cassandra-mesos-old-1/x`]: '', [`other/t-${OTHER_ID}/nb-1-big-Data.db`]: '1' },
  );
  t.deepEqual(await findOwnSnapshots(directories), [TAG, 'cassandra-mesos-old-1'].sort());

  await removeOwnSnapshots(directories);

  t.deepEqual(await findOwnSnapshots(directories), []);
  t.deepEqual(await readdir(join(directories[0] ?? '', `ks/users-${ID}/snapshots`)), ['theirs']);
  t.deepEqual(await readdir(join(directories[1] ?? '', `other/t-${OTHER_ID}`)), ['nb-1-big-Data.db', 'snapshots']);
  await t.notThrowsAsync(removeOwnSnapshots([join(directories[0] ?? '', 'never-made')]));
});

test("Cassandra's own snapshot of before a truncation is found by table and time, newest first", async (t) => {
  const snapshots = `ks/users-${ID}/snapshots`;
  const directories = await disks(
    t,
    {
      [`${snapshots}/truncated-1000-users/manifest.json`]: '{}',
      [`${snapshots}/truncated-2000-users/manifest.json`]: '{}',
      [`${snapshots}/dropped-2500-users/manifest.json`]: '{}',
      [`${snapshots}/truncated-soon/manifest.json`]: '{}',
      [`ks/users-${OTHER_ID}/snapshots/truncated-2000-users/manifest.json`]: '{}',
    },
    { [`${snapshots}/truncated-2000-users/nb-1-big-Data.db`]: '1', [`${snapshots}/truncated-3000-users/x`]: '' },
  );
  const found = await listSafetySnapshots(directories, 'ks', USERS.id, 2000);
  t.deepEqual(
    found.map(({ tag, takenMs, paths }) => ({ tag, takenMs, disks: paths.length })),
    [
      { tag: 'truncated-3000-users', takenMs: 3000, disks: 1 },
      { tag: 'truncated-2000-users', takenMs: 2000, disks: 2 },
    ],
  );
});
