import anyTest from 'ava';
import { createCopyPool } from '../../../src/storage/copy-pool.ts';
import { proveWritable } from '../../../src/storage/preflight.ts';
import { rejectsWith } from '../contract.ts';
import { FAKE_GCS, openGsAt, startFakeGcs, type GcsServer } from '../fake-gcs.ts';
import { listed } from '../listed.ts';
import { startFront } from './front.ts';

const test = FAKE_GCS === null ? anyTest.skip : anyTest;

let server: GcsServer;
const pool = createCopyPool(1);

anyTest.before(async () => {
  if (FAKE_GCS !== null) server = await startFakeGcs(null);
});

anyTest.after.always(async () => {
  await server?.stop();
  await pool.close();
});

test('a store that heeds no conditions is refused, as two schedulers would both be told that the lock is theirs', async (t) => {
  const { endpoint } = await startFront(t, server.endpoint, (asked) => {
    asked.url.searchParams.delete('ifGenerationMatch');
    return asked;
  });
  const storage = await openGsAt({ endpoint }, pool);
  const error = await rejectsWith(t, 'STORAGE_FAILED', proveWritable(storage, 'dev', Date.now));
  t.regex(error.message, /not to be made a second time/);
  t.deepEqual(await listed(storage), []);
});
