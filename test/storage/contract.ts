import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { OperatorError, type ErrorCode } from '../../src/errors.ts';
import { storedBytes } from '../../src/model/backup.ts';
import { proveWritable } from '../../src/storage/preflight.ts';
import type { Storage, StoredFile } from '../../src/storage/storage.ts';
import { folderContract } from './folder-contract.ts';
import { listed } from './listed.ts';
import { streamContract } from './stream-contract.ts';

/** A directory of the test's own, removed at its end. */
export async function temporaryDirectory(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'storage-test-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function rejectsWith(t: ExecutionContext, code: ErrorCode, act: Promise<unknown>): Promise<OperatorError> {
  const error = await t.throwsAsync(act, { instanceOf: OperatorError });
  t.is(error?.code, code, error?.message);
  return error;
}

/** What Node's own functions say of some bytes. */
export function factsOf(content: Buffer): StoredFile {
  return {
    size: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    crc32: crc32(content),
  };
}

/** Declares a test of what every kind of storage does; `work` is a directory of its own. */
export type Contract = (
  title: string,
  body: (t: ExecutionContext, storage: Storage, work: string) => Promise<void>,
) => void;

/** A sparse file that takes a while to read, so that something can happen in between. */
async function longFile(path: string): Promise<void> {
  await writeFile(path, '');
  await truncate(path, 4 * 1024 ** 3);
}

/**
 * What every kind of storage does. `open` gives an empty one of the test's own; several tests of a file run at once. `growing`: bytes of a file whose copy
 * lasts long enough for something to happen meanwhile.
 */
export function storageContract(
  kind: string,
  { links, growing = 512 * 1024 ** 2 }: { links: 'LINKED' | 'REFERENCED'; growing?: number },
  open: (t: ExecutionContext) => Promise<Storage>,
): void {
  const contract: Contract = (title, body): void => {
    test(`${kind}: ${title}`, async (t) => body(t, await open(t), await temporaryDirectory(t)));
  };

  // Around a block, the sizes from which on files are written otherwise, and a chunk.
  for (const size of [0, 1, 4095, 4096, 4097, 131_072, 1_048_575, 1_048_576, 2_097_152, 2_097_153, 6_300_001]) {
    contract(`a file of ${size} bytes comes back as it was`, async (t, storage, work) => {
      // Half of it is worth being compressed away.
      const content = randomBytes(size).map((byte) => byte & 15) as Buffer;
      await writeFile(join(work, 'source'), content);
      const stored = await storage.putFile('c/n/b/ks/t/nb-1-big-Data.db', join(work, 'source'));
      const { encoding, ...facts } = stored;
      t.deepEqual(facts, factsOf(content));
      t.deepEqual(await storage.checksum('c/n/b/ks/t/nb-1-big-Data.db', { encoding }), stored);
      await storage.getFile('c/n/b/ks/t/nb-1-big-Data.db', join(work, 'new', 'target'), stored);
      t.true(content.equals(await readFile(join(work, 'new', 'target'))));
      t.deepEqual(await listed(storage), [{ key: 'c/n/b/ks/t/nb-1-big-Data.db', size: storedBytes(stored) }]);
    });
  }

  contract('a second put replaces the first', async (t, storage, work) => {
    await writeFile(join(work, 'one'), 'one');
    await writeFile(join(work, 'second'), 'second');
    await storage.putFile('a/file', join(work, 'one'));
    const stored = await storage.putFile('a/file', join(work, 'second'));
    const { encoding, ...facts } = (await storage.checksum('a/file', { encoding: stored.encoding })) ?? {};
    t.deepEqual(facts, factsOf(Buffer.from('second')));
    t.deepEqual(await listed(storage), [{ key: 'a/file', size: encoding?.stored ?? 6 }]);
  });

  contract(
    'a link is the whole file under a second name, of which each goes without the other; a reference is nothing by itself',
    async (t, storage, work) => {
      await writeFile(join(work, 'source'), 'content');
      const stored = await storage.putFile('a/one/file', join(work, 'source'));
      const expected = { size: storedBytes(stored), unchangedSince: Date.now() };
      t.is(await storage.link('a/one/file', 'a/two/file', expected), links);
      t.is(await storage.link('a/one/file', 'a/two/file', expected), links, 'once more changes nothing');
      if (links === 'REFERENCED') {
        t.deepEqual(await listed(storage, 'a/two/'), []);
        return;
      }
      await writeFile(join(work, 'source'), 'other');
      await storage.putFile('a/one/file', join(work, 'source'));
      await storage.flush();
      t.deepEqual(await storage.checksum('a/two/file', { encoding: stored.encoding }), stored);
      t.deepEqual(
        (await listed(storage, 'a/two/')).map(({ key }) => key),
        ['a/two/file'],
      );
    },
  );

  contract('what is missing, of another size or changed later is not linked to', async (t, storage, work) => {
    await writeFile(join(work, 'source'), 'content');
    const before = Date.now() - 60_000;
    const size = storedBytes(await storage.putFile('a/file', join(work, 'source')));
    t.is(await storage.link('a/nothing', 'b/file', { size, unchangedSince: Date.now() }), 'NONE');
    t.is(await storage.link('a/file', 'b/file', { size: size + 1, unchangedSince: Date.now() }), 'NONE');
    t.is(await storage.link('a/file', 'b/file', { size, unchangedSince: before }), 'NONE');
    t.deepEqual(await listed(storage, 'b/'), []);
  });

  contract('names in other scripts, with spaces and signs, and of 255 bytes are kept', async (t, storage, work) => {
    await writeFile(join(work, 'source'), 'x');
    const keys = ['ü/日本語/🚀 file', 'a b/%2e%2e/c#d?e', `.idx/..three`, `long/${'n'.repeat(255)}`];
    const stored = new Map<string, StoredFile>();
    for (const key of keys) stored.set(key, await storage.putFile(key, join(work, 'source')));
    t.deepEqual(
      (await listed(storage)).map(({ key }) => key),
      keys.sort(),
    );
    for (const [key, file] of stored) t.deepEqual(await storage.checksum(key, { encoding: file.encoding }), file);
  });

  contract('keys that are none are refused', async (t, storage, work) => {
    await writeFile(join(work, 'source'), 'x');
    const facts = factsOf(Buffer.from('x'));
    for (const key of ['', '/a', 'a/', 'a//b', '.', 'a/./b', '..', '../a', 'a/../../b', 'a\0b', 'a\\..\\b']) {
      await rejectsWith(t, 'BAD_REQUEST', storage.putFile(key, join(work, 'source')));
      await rejectsWith(t, 'BAD_REQUEST', storage.getFile(key, join(work, 'target'), facts));
      await rejectsWith(t, 'BAD_REQUEST', storage.putDocument(key, 'x'));
      await rejectsWith(t, 'BAD_REQUEST', storage.getDocument(key));
      await rejectsWith(t, 'BAD_REQUEST', storage.checksum(key));
    }
    for (const prefix of ['a', '/', '../', 'a//']) {
      await rejectsWith(t, 'BAD_REQUEST', listed(storage, prefix));
      await rejectsWith(t, 'BAD_REQUEST', storage.folders(prefix));
    }
    t.deepEqual(await listed(storage), []);
  });

  contract('a missing, longer or altered file is reported as damaged and not brought', async (t, storage, work) => {
    await writeFile(join(work, 'source'), 'content');
    const stored = await storage.putFile('a/file', join(work, 'source'));
    const target = join(work, 'target');
    const other = { ...stored, ...factsOf(Buffer.from('CONTENT')) };
    const wrong: [string, { size: number; sha256: string }, RegExp][] = [
      ['a/none', stored, /no such file/],
      ['a', stored, /no such file/],
      ['a/file', { ...stored, size: 8 }, /8 bytes.*it has 7 bytes/],
      ['a/file', other, new RegExp(`${other.sha256}.*${stored.sha256}`)],
    ];
    for (const [key, expected, message] of wrong) {
      const error = await rejectsWith(t, 'BACKUP_DAMAGED', storage.getFile(key, target, expected));
      t.true(error.message.includes(key));
      t.regex(error.message, message);
      await t.throwsAsync(stat(target), { code: 'ENOENT' });
    }
  });

  contract(
    'a target that is there already is kept when it is right and replaced when not',
    async (t, storage, work) => {
      await writeFile(join(work, 'source'), 'content');
      const target = join(work, 'target');
      const stored = await storage.putFile('a/file', join(work, 'source'));
      await storage.getFile('a/file', target, stored);
      const first = await stat(target);
      await storage.getFile('a/file', target, stored);
      t.is((await stat(target)).ino, first.ino);
      await writeFile(target, 'CONTENT');
      await storage.getFile('a/file', target, stored);
      t.is(await readFile(target, 'utf8'), 'content');
    },
  );

  contract('documents come back, and null says that there is none', async (t, storage) => {
    t.is(await storage.getDocument('a/b/document.json'), null);
    await storage.putDocument('a/b/document.json', '{"ü":1}\n');
    t.is(await storage.getDocument('a/b/document.json'), '{"ü":1}\n');
    await storage.putDocument('a/b/document.json', '');
    t.is(await storage.getDocument('a/b/document.json'), '');
    t.is(await storage.getDocument('a/b'), null);
    t.is(await storage.getDocument('a/b/document.json/c'), null);
    t.is(await storage.checksum('a/b/none'), null);
  });

  contract('a listing has what is below the prefix and nothing else', async (t, storage) => {
    for (const key of ['a/b/1', 'a/b/c/2', 'a/bb/3', 'ab/4', '5']) await storage.putDocument(key, key);
    const keys = async (prefix: string): Promise<string[]> => (await listed(storage, prefix)).map(({ key }) => key);
    t.deepEqual(await keys(''), ['5', 'a/b/1', 'a/b/c/2', 'a/bb/3', 'ab/4']);
    t.deepEqual(await keys('a/b/'), ['a/b/1', 'a/b/c/2']);
    t.deepEqual(await keys('none/'), []);
    t.deepEqual(await keys('5/'), []);
    t.deepEqual(await storage.folders(''), ['a', 'ab']);
    t.deepEqual(await storage.folders('a/'), ['b', 'bb']);
    t.deepEqual(await storage.folders('none/'), []);
  });

  contract('progress adds up to the size of the file', async (t, storage, work) => {
    await writeFile(join(work, 'source'), randomBytes(5_000_000));
    let put = 0;
    const stored = await storage.putFile('a', join(work, 'source'), { onBytes: (bytes) => (put += bytes) });
    t.is(put, 5_000_000);
    let got = 0;
    await storage.getFile('a', join(work, 'target'), stored, { onBytes: (bytes) => (got += bytes) });
    t.is(got, 5_000_000);
  });

  contract('an abort in the middle of a copy ends it with its reason and leaves nothing', async (t, storage, work) => {
    const controller = new AbortController();
    const reason = new OperatorError('ABORTED', 'enough');
    await longFile(join(work, 'long'));
    const onBytes = (): void => controller.abort(reason);
    const put = storage.putFile('a/long', join(work, 'long'), { signal: controller.signal, onBytes });
    t.is(await t.throwsAsync(put), reason);
    t.deepEqual(await listed(storage), []);
    t.is(await t.throwsAsync(storage.putFile('b', join(work, 'long'), { signal: controller.signal })), reason);
  });

  contract('a source that is missing, no file, or grows under the copy is an error', async (t, storage, work) => {
    await rejectsWith(t, 'SNAPSHOT_FAILED', storage.putFile('a', join(work, 'none')));
    await rejectsWith(t, 'SNAPSHOT_FAILED', storage.putFile('a', work));
    const source = join(work, 'growing');
    await writeFile(source, '');
    await truncate(source, growing);
    let grown = false;
    const onBytes = (): void => {
      if (!grown) appendFileSync(source, 'more');
      grown = true;
    };
    const error = await rejectsWith(t, 'SNAPSHOT_FAILED', storage.putFile('a', source, { onBytes }));
    t.true(error.message.includes(`${growing} bytes before, ${growing + 4} after`), error.message);
    t.deepEqual(await listed(storage), []);
  });

  contract('2000 small files, several at once, are all there', async (t, storage, work) => {
    await writeFile(join(work, 'source'), 'small');
    const numbers = Array.from({ length: 2000 }, (_, index) => index);
    const lane = async (): Promise<void> => {
      for (let n = numbers.pop(); n !== undefined; n = numbers.pop()) {
        await storage.putFile(`c/n/b/ks/t${n % 2}/${n}`, join(work, 'source'));
      }
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
    await storage.flush();
    t.is((await listed(storage)).length, 2000);
  });

  contract('a preflight proves that it can be written to, and leaves it as it was', async (t, storage) => {
    await storage.putDocument('dev/backups/monday.json', '{}');
    const before = await listed(storage);
    const aheadMs = await proveWritable(storage, 'dev', () => Date.now());
    t.true(Math.abs(aheadMs) < 60_000, `its clock is ${aheadMs} ms ahead`);
    t.deepEqual(await listed(storage), before);
  });

  contract('it says how much is free, or that it has no such number', async (t, storage) => {
    const free = await storage.freeBytes();
    t.true(free === null || free > 0);
  });

  folderContract(contract);
  streamContract(contract);
}
