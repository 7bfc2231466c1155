import { existsSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { nodeBackup } from '../../src/executor/node-backup.ts';
import { nodeCheck } from '../../src/executor/node-check.ts';
import { nodeConfirm } from '../../src/executor/node-confirm.ts';
import { nodeInspect } from '../../src/executor/node-inspect.ts';
import { sortedOnce, storedBytes } from '../../src/model/backup.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { openStorage } from '../../src/storage/open.ts';
import { runStepOn } from '../helpers/run-step-at.ts';
import { EXECUTOR_ID, makeHost, manifestOf, ownPart, type Host } from '../helpers/step-context.ts';
import { rejectsWith } from '../storage/contract.ts';
import { keyLine } from '../storage/coding/coded-place.ts';
import { COMPONENTS, DATA, increment, inodeOf, linksOf, restore, stored } from './increments.ts';

const ROWS = 'ada, grace, and many others who wrote the same row again and again. '.repeat(100);
const BOTH = 'compression=zstd&encryption=file:KEYS';

interface EncodedHost extends Host {
  keys: string;
  /** Opens the location anew, as each step does. */
  reopen(options: string): Promise<void>;
}

async function encodedHost(t: ExecutionContext, options: string): Promise<EncodedHost> {
  const host = await makeHost(t);
  const keys = join(host.root, 'keys');
  writeFileSync(keys, keyLine('2026-11'), { mode: 0o600 });
  host.node.createTable('shop', 'users');
  host.node.write('shop', 'users', ROWS);
  const encoded = Object.assign(host, {
    keys,
    async reopen(next: string) {
      const location = `file://${host.root}/backup?${next.replace('KEYS', keys)}`;
      host.storage = await openStorage(location, { pool: host.pool, baseDirectory: '/', create: true });
    },
  });
  await encoded.reopen(options);
  return encoded;
}

const staged = ({ stagingDirectories }: Host) =>
  stagingDirectories.filter(existsSync).flatMap((directory) => readdirSync(directory));

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = bytes.at(-1)! ^ 1;
  writeFileSync(path, bytes);
}

async function inspect(host: Host, change: Partial<StepRequest> = {}) {
  const inspectors = [{ executorId: EXECUTOR_ID, hostId: null, tokens: [], ready: true }];
  const context = host.context({
    type: 'VERIFY',
    phase: 'inspect',
    backupName: 'b1',
    inspectors,
    deep: true,
    ...change,
  });
  await nodeInspect(context);
  return context.reporter.report.inspection;
}

test('a backup that is compressed and encrypted says so, counts what was really sent, and comes back row by row', async (t) => {
  const host = await encodedHost(t, BOTH);
  const first = await increment(host, 'b1');
  const { record, files } = first;
  const plain = files.reduce((sum, { size }) => sum + size, 0);
  const sent = files.reduce((sum, file) => sum + storedBytes(file), 0);
  t.is(first.bytesSent, sent);
  t.is(record.nodes[0]?.bytes, plain);
  t.is(files.length, COMPONENTS);
  for (const { encoding } of files) t.like(encoding, { keyId: '2026-11' });
  t.is(files.find(({ path }) => path === DATA)?.encoding?.compression, 'zstd');
  t.false(readFileSync(stored(host, 'b1', DATA)).includes('grace'));
  await nodeConfirm(host.context({ ...ownPart(record), backupName: 'b1' }));

  const second = await increment(host, 'b2');
  t.deepEqual([second.filesSent, second.bytesSent], [0, 0]);
  t.is(inodeOf(stored(host, 'b2', DATA)), inodeOf(stored(host, 'b1', DATA)));
  t.deepEqual((await manifestOf(host, 'b2')).files, files);

  host.node.write('shop', 'users', 'later');
  await restore(host, 'b2');
  t.deepEqual(host.node.rows('shop', 'users'), [ROWS]);
});

test('an increment builds on files of the key before this one, and on none of a key that is gone', async (t) => {
  const host = await encodedHost(t, BOTH);
  await increment(host, 'b1');
  const before = readFileSync(host.keys, 'utf8');
  const next = keyLine('2026-12');
  writeFileSync(host.keys, next + before);
  await host.reopen(BOTH);
  t.is((await increment(host, 'rotated')).filesSent, 0);
  host.node.write('shop', 'users', 'bob');
  const mixed = await increment(host, 'mixed');
  t.true((mixed.filesSent ?? 0) > 0);
  t.deepEqual(sortedOnce(mixed.files.flatMap(({ encoding }) => encoding?.keyId ?? [])), ['2026-11', '2026-12']);

  writeFileSync(host.keys, next);
  await host.reopen(BOTH);
  const ofOld = mixed.files.filter(({ encoding }) => encoding?.keyId === '2026-11');
  t.is((await increment(host, 'forgotten')).filesSent, ofOld.length);
  t.is(linksOf(stored(host, 'b1', DATA)), 3);
  await restore(host, 'forgotten');
  t.deepEqual(host.node.rows('shop', 'users'), [ROWS, 'bob']);
});

test('what lies open is sent again once encryption is wanted, and what is encrypted once it is not', async (t) => {
  const host = await encodedHost(t, 'compression=gzip');
  await increment(host, 'open');
  await host.reopen('compression=zstd');
  t.is((await increment(host, 'otherwise-compressed')).filesSent, 0);
  await host.reopen('encryption=file:KEYS');
  t.is((await increment(host, 'encrypted')).filesSent, COMPONENTS);
  t.is((await increment(host, 'encrypted-again')).filesSent, 0);
  await host.reopen('compression=none');
  const again = await increment(host, 'open-again');
  t.is(again.filesSent, 0, 'there are open copies still');
  t.false(again.files.some(({ encoding }) => encoding?.keyId !== undefined));
  for (const name of ['open', 'encrypted', 'open-again']) {
    await host.reopen('encryption=file:KEYS');
    await restore(host, name);
    t.deepEqual(host.node.rows('shop', 'users'), [ROWS], name);
  }
});

test('a restore without the key, or with another of its name, is refused before anything is staged', async (t) => {
  const host = await encodedHost(t, BOTH);
  await increment(host, 'b1');
  const right = readFileSync(host.keys, 'utf8');
  const check = () => nodeCheck(host.context({ type: 'RESTORE', phase: 'check', backupName: 'b1', jobUuid: 'r1' }));
  const cases: [string, string, RegExp][] = [
    ['', right, /the key 2026-11, and the location names no keys/],
    [BOTH, keyLine('2027-01'), /the key 2026-11, looked for in the file .*keys: there is only 2027-01/],
    [BOTH, keyLine('2026-11'), /the key 2026-11, .* a key of that name there is another one/],
  ];
  for (const [options, text, message] of cases) {
    writeFileSync(host.keys, text);
    await host.reopen(options);
    t.regex((await rejectsWith(t, 'STORAGE_FAILED', check())).message, message);
  }
  t.deepEqual(staged(host), []);
  writeFileSync(host.keys, right);
  await host.reopen('encryption=file:KEYS');
  await t.notThrowsAsync(check());
});

test('a verification finds a changed, cut and missing file; without the keys it fails, and accuses nobody', async (t) => {
  const host = await encodedHost(t, BOTH);
  const { record } = await increment(host, 'b1');
  t.is((await inspect(host))?.damagedFiles, 0);
  flip(stored(host, 'b1', DATA));
  t.is((await inspect(host, { deep: false }))?.damagedFiles, 0);
  const found = await inspect(host);
  t.is(found?.damagedFiles, 1);
  t.regex(found?.damaged[0]?.problem ?? '', /cannot be decoded: a frame is not as it was encrypted/);
  await host.reopen('compression=zstd');
  await rejectsWith(t, 'STORAGE_FAILED', inspect(host));
  t.is((await inspect(host, { deep: false }))?.damagedFiles, 0, 'sizes are seen without a key');

  truncateSync(stored(host, 'b1', DATA), 10);
  t.regex((await inspect(host, { deep: false }))?.damaged[0]?.problem ?? '', /it has 10 bytes instead of \d+/);
  await rejectsWith(t, 'BACKUP_DAMAGED', nodeConfirm(host.context({ ...ownPart(record), backupName: 'b1' })));
});

test('a backup that was cut short goes on with what it has stored, encoded as it is', async (t) => {
  const host = await encodedHost(t, BOTH);
  host.node.createTable('stock', 'parts');
  host.node.write('stock', 'parts', ROWS);
  const killed = new AbortController();
  host.node.before = (operation, [, keyspace]) => {
    if (operation === 'takeSnapshot' && keyspace === 'stock') killed.abort(new Error('killed'));
  };
  await t.throwsAsync(nodeBackup(host.context({ backupName: 'b1' }, { signal: killed.signal })));
  const inode = inodeOf(stored(host, 'b1', DATA));
  host.node.before = () => undefined;
  await host.reopen(BOTH);
  const request = { backupName: 'b1', jobUuid: 'job-2', resume: true, resumes: ['job-1'] };
  const { files, bytesSent } = await increment(host, 'b1', request);
  t.is(inodeOf(stored(host, 'b1', DATA)), inode);
  t.is(
    bytesSent,
    files.reduce((sum, file) => sum + storedBytes(file), 0),
  );
  await restore(host, 'b1');
  t.deepEqual(host.node.rows('shop', 'users'), [ROWS]);
});

test('a backup whose keys cannot be read ends before its first snapshot', async (t) => {
  const host = await encodedHost(t, '');
  writeFileSync(host.keys, '2026-11 short\n', { mode: 0o600 });
  for (const phase of ['backup', 'snapshot'] as const) {
    const location = `file://${host.root}/other?encryption=file:${host.keys}`;
    const outcome = await runStepOn(host.node, location, { phase, backupName: 'b1' });
    t.is(outcome.state, 'TASK_FAILED');
    t.regex(outcome.message, /the encryption keys in the file .*keys cannot be used: line 1/);
  }
  t.deepEqual(host.node.snapshots(), []);
  t.false(existsSync(join(host.root, 'other')));
  t.true(existsSync(dirname(host.keys)));
});
