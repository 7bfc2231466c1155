import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest from 'ava';
import { nodeDelete } from '../../src/executor/node-delete.ts';
import { FRAMEWORK } from '../helpers/foreign-tree.ts';
import { putTree } from '../helpers/put-tree.ts';
import { EXECUTOR_ID, manifestOf } from '../helpers/step-context.ts';
import { listed } from '../storage/listed.ts';
import { openAt, startVersitygw, VERSITYGW, type S3Server } from '../storage/versitygw.ts';
import { adopt, commit, hostWithForeign, verifyDeep } from './adoption.ts';
import { restore } from './increments.ts';

const test = VERSITYGW === null ? anyTest.skip : anyTest;

let server: S3Server;
const directory = mkdtempSync(join(tmpdir(), 'adopt-file-'));

anyTest.before(async () => {
  if (VERSITYGW !== null) server = await startVersitygw(directory);
});

anyTest.after.always(async () => {
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

test('in an object store an adopted backup refers to the foreign objects, is verified and restored, and its deletion leaves them', async (t) => {
  const host = await hostWithForeign(t);
  const storage = await openAt(server, host.pool);
  await putTree(storage, join(host.root, 'backup'));
  const foreign = await listed(storage, '');
  host.storage = storage;
  await commit(host, await adopt(host));

  t.true(
    (await manifestOf(host)).files.every(({ source }) => source?.startsWith(`${FRAMEWORK}/${EXECUTOR_ID}/monday/`)),
  );
  t.like(await verifyDeep(host), { damagedFiles: 0, extraFiles: 0 });
  host.node.write('shop', 'users', 'written later');
  await restore(host, 'monday');
  t.deepEqual(host.node.rows('shop', 'users'), ['ada', 'bob']);
  await nodeDelete(host.context({ type: 'DELETE', phase: 'delete', force: true }));
  t.deepEqual(await listed(storage, ''), foreign);
});
