import { open } from 'node:fs/promises';
import { factsOf } from '../contract.ts';
import { listed } from '../listed.ts';
import { interrupted, KEY, killed, makeSource, PART, PARTS, stored, THERE } from './cut-short.ts';
import { faultTest } from './fault-place.ts';

faultTest('an upload whose process was killed goes on in another with the parts that are missing', async (t, place) => {
  const { kind, proxy, direct } = place;
  const { path, content } = await makeSource(place);
  await killed(place, path);
  t.deepEqual(await listed(direct), [], 'nothing half-done is visible');
  t.deepEqual(await stored(place, path), factsOf(content));
  t.is(proxy.count(kind.asks.part), kind.keepsParts ? PARTS - THERE : PARTS);
  t.deepEqual(await direct.checksum(KEY), factsOf(content));
});

faultTest(
  'of a file that has changed since its upload was cut short the new parts are sent as well',
  async (t, place) => {
    const { kind, proxy, direct, storage } = place;
    const { path, content } = await makeSource(place);
    await interrupted(t, place, path);
    content.write('changed', PART + 5);
    const file = await open(path, 'r+');
    await file.write('changed', PART + 5);
    await file.close();
    t.deepEqual(await storage.putFile(KEY, path), factsOf(content));
    t.is(proxy.count(kind.asks.part), kind.keepsParts ? PARTS - THERE + 1 : PARTS);
    t.deepEqual(await direct.checksum(KEY), factsOf(content));
  },
);

faultTest(
  'of a file whose beginning is another one nothing is taken from the upload that was cut short',
  async (t, place) => {
    const { direct, storage } = place;
    const { path } = await makeSource(place);
    await interrupted(t, place, path);
    const { path: other, content } = await makeSource(place);
    t.deepEqual(await storage.putFile(KEY, other), factsOf(content));
    t.deepEqual(await direct.checksum(KEY), factsOf(content));
  },
);
