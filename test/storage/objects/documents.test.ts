import type { Reply } from '../../helpers/fault-proxy.ts';
import { faultTest } from './fault-place.ts';

const KEY = 'dev/node.1/tuesday/manifest.json';

/** What stands before a store may say when it does not know the way. */
const NOT_FOUND: readonly Reply[] = [
  { status: 404 },
  { status: 404, headers: { 'content-type': 'text/html' }, body: '<html><h1>404 Not Found</h1></html>' },
  { status: 404, headers: { 'content-type': 'text/plain' }, body: 'default backend - 404' },
];

faultTest(
  'a document counts as missing, or as deleted, only where the store says so',
  async (t, { storage, proxy }) => {
    t.is(await storage.getDocument(KEY), null);
    t.is(await storage.getHead(KEY, 10), null);
    await storage.putDocument(KEY, 'what must not be lost');
    for (const answer of NOT_FOUND) {
      proxy.when(({ path }) => path.endsWith(KEY), { answer }, { times: Infinity });
      await t.throwsAsync(storage.getDocument(KEY), { code: 'STORAGE_FAILED' }, JSON.stringify(answer));
      await t.throwsAsync(storage.getHead(KEY, 10), { code: 'STORAGE_FAILED' }, JSON.stringify(answer));
      await t.throwsAsync(storage.delete(KEY), { code: 'STORAGE_FAILED' }, JSON.stringify(answer));
      proxy.calm();
      t.is(await storage.getDocument(KEY), 'what must not be lost');
    }
  },
);
