import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { openFileStorage } from '../../src/storage/file-storage.ts';
import { manifestKey } from '../../src/storage/layout.ts';
import { parseManifest, stringifyManifest } from '../../src/storage/manifest.ts';
import { References } from '../../src/storage/references.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { temporaryDirectory } from './contract.ts';
import { exampleManifest } from './documents.ts';

const pool = createCopyPool(1);
test.after.always(() => pool.close());
const signal = new AbortController().signal;

const MONDAY = 'dev/node.1/monday/ks/t/nb-1-big-Data.db';

/** A location with manifests of one file each, by executor and name, that name bytes at the given places. */
async function locationWith(
  directory: string,
  sources: Record<string, string | null>,
): Promise<{ storage: Storage; heads: string[]; whole: string[] }> {
  const storage = await openFileStorage(directory, pool, true);
  for (const [place, source] of Object.entries(sources)) {
    const [executorId = '', name = ''] = place.split(' ');
    const manifest = { ...exampleManifest(), executorId, backupName: name };
    const files = manifest.files.slice(0, 1).map((file) => (source === null ? file : { ...file, source }));
    await storage.putDocument(manifestKey('dev', executorId, name), stringifyManifest({ ...manifest, files }));
  }
  const heads: string[] = [];
  const whole: string[] = [];
  const read: Storage = Object.create(storage, {
    getHead: { value: async (key: string, bytes: number) => (heads.push(key), storage.getHead(key, bytes)) },
    getDocument: { value: async (key: string) => (whole.push(key), storage.getDocument(key)) },
    folders: { value: async (prefix: string) => storage.folders(prefix) },
  }) as Storage;
  return { storage: read, heads, whole };
}

test('bytes that manifests of other backups name are found, under whichever executor these lie', async (t) => {
  const { storage, whole } = await locationWith(await temporaryDirectory(t), {
    'node.1 monday': null,
    'node.1 tuesday': MONDAY,
    'node.2 wednesday': MONDAY,
    'node.2 thursday': 'dev/node.1/tuesday/ks/t/nb-1-big-Data.db',
  });
  const references = new References(storage, 'dev');
  t.deepEqual([...(await references.into('monday', signal))], [MONDAY]);
  t.deepEqual(whole.toSorted(), ['dev/node.1/tuesday/manifest.json', 'dev/node.2/wednesday/manifest.json']);
  t.deepEqual([...(await references.into('wednesday', signal))], []);
});

test('a manifest that names nothing elsewhere is not read, but for its beginning, and that once', async (t) => {
  const { storage, heads, whole } = await locationWith(await temporaryDirectory(t), {
    'node.1 monday': null,
    'node.1 tuesday': null,
  });
  const references = new References(storage, 'dev');
  for (const name of ['monday', 'tuesday', 'monday', 'tuesday']) t.is((await references.into(name, signal)).size, 0);
  t.deepEqual(heads.toSorted(), ['dev/node.1/monday/manifest.json', 'dev/node.1/tuesday/manifest.json']);
  t.deepEqual(whole, []);
});

test('a manifest that was changed by another hand, cut short, or is of an early version is read whole', async (t) => {
  const directory = await temporaryDirectory(t);
  const { storage } = await locationWith(directory, { 'node.1 monday': null, 'node.1 tuesday': null });
  const path = join(directory, 'dev', 'node.1', 'tuesday', 'manifest.json');
  const text = await readFile(path, 'utf8');
  const changed = text.replace('"sha256"', `"source": "${MONDAY}",\n   "sha256"`);
  const early = changed.replace(/^ "references": \{[^}]*\},\n/m, '');
  t.not(early, changed);
  for (const content of [changed, early, changed.slice(0, -3)]) {
    await writeFile(path, content);
    t.deepEqual([...(await new References(storage, 'dev').into('monday', signal))], [MONDAY]);
  }
});

test('what a manifest says of itself is no part of what is read from it', (t) => {
  const text = stringifyManifest(exampleManifest());
  t.is(stringifyManifest(parseManifest(text, 'key')), text);
  t.deepEqual(parseManifest(text, 'key'), exampleManifest());
  t.regex(text, new RegExp(`"bytes": ${Buffer.byteLength(text)},`));
});
