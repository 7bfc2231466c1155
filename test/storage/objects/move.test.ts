import { rejectsWith } from '../contract.ts';
import { listed } from '../listed.ts';
import { faultTest, type FaultPlace } from './fault-place.ts';

const NAMES = Array.from({ length: 20 }, (_, index) => String(index).padStart(2, '0'));
const below = (folder: string): string[] => NAMES.map((name) => folder + name);

async function fill({ direct }: FaultPlace): Promise<void> {
  for (const key of below('c/from/')) await direct.putDocument(key, 'content');
}

async function keys({ direct }: FaultPlace, prefix = ''): Promise<string[]> {
  return (await listed(direct, prefix)).map(({ key }) => key);
}

faultTest('a move one of whose copies is refused deletes nothing, and can be made again', async (t, place) => {
  const { kind, proxy, storage } = place;
  await fill(place);
  proxy.when(kind.asks.copy, { answer: kind.says.denied }, { nth: 5 });
  await rejectsWith(t, 'STORAGE_FAILED', storage.moveFolder('c/from/', 'c/to/'));
  t.is(proxy.count(kind.asks.delete), 0);
  t.deepEqual(await keys(place, 'c/from/'), below('c/from/'));
  t.true(await storage.moveFolder('c/from/', 'c/to/'));
  t.deepEqual(await keys(place), below('c/to/'));
});

faultTest('what comes into a folder while it is moved is not deleted', async (t, place) => {
  const { kind, proxy, direct, storage } = place;
  await fill(place);
  proxy.when(kind.asks.copy, { before: () => direct.putDocument('c/from/late', 'late') });
  t.true(await storage.moveFolder('c/from/', 'c/to/'));
  t.deepEqual(await keys(place), ['c/from/late', ...below('c/to/')]);
});

faultTest('a move whose deletion is cut short ends when it is made again', async (t, place) => {
  const { kind, proxy, storage } = place;
  await fill(place);
  proxy.when(kind.asks.delete, { answer: kind.says.denied });
  await rejectsWith(t, 'STORAGE_FAILED', storage.moveFolder('c/from/', 'c/to/'));
  t.true(await storage.moveFolder('c/from/', 'c/to/'));
  t.deepEqual(await keys(place), below('c/to/'));
  t.is(proxy.count(kind.asks.copy), NAMES.length, 'nothing is copied twice');
});
