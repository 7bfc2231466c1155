import type { Contract } from './contract.ts';
import { listed } from './listed.ts';

/** What every kind of storage does with documents that are made once, and with what lies below a prefix. */
export function folderContract(contract: Contract): void {
  contract('a document is created once: of those who race for a key one is told so', async (t, storage) => {
    const told = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => storage.createDocument('c/lock', `content ${index}`)),
    );
    t.is(told.filter(Boolean).length, 1);
    t.is(await storage.getDocument('c/lock'), `content ${told.indexOf(true)}`);
    t.false(await storage.createDocument('c/lock', 'late'));
    await storage.delete('c/lock');
    t.true(await storage.createDocument('c/lock', 'again'));
    t.deepEqual(await listed(storage), [{ key: 'c/lock', size: 5 }]);
  });

  contract('a document that comes and goes is read whole or is none', async (t, storage) => {
    const change = async (): Promise<void> => {
      await storage.putDocument('c/lock/1', 'whole');
      await storage.delete('c/lock/1');
    };
    const read = async (): Promise<void> => {
      for (const _ of Array.from({ length: 5 })) {
        t.true([null, 'whole'].includes(await storage.getDocument('c/lock/1')));
        t.true([undefined, 'wh'].includes((await storage.getHead('c/lock/1', 2))?.text));
      }
    };
    for (const _ of Array.from({ length: 40 })) await Promise.all([change(), read()]);
  });

  contract(
    'what the deletion of a folder would free is the bytes in it, and none of its neighbours',
    async (t, storage) => {
      await storage.putDocument('c/n/b/ks/t/1', '12345');
      await storage.putDocument('c/n/b/top', '123');
      await storage.putDocument('c/n/bb/top', '1');
      t.is(await storage.ownBytes('c/n/b/'), 8);
      t.is(await storage.ownBytes('c/n/b/', { shared: new Set(['c/n/b/top']) }), 5);
      t.is(await storage.ownBytes('c/n/none/'), 0);
    },
  );

  contract('an entry says when it was last changed, by the clock by which the next document is', async (t, storage) => {
    for (const key of ['c/first', 'c/second']) await storage.putDocument(key, key);
    const changed = new Map<string, number>();
    for await (const entry of storage.list('c/')) changed.set(entry.key, entry.changed);
    t.true(changed.get('c/first')! <= changed.get('c/second')!);
    await storage.putDocument('c/first', 'again');
    for await (const entry of storage.list('c/'))
      if (entry.key === 'c/first') t.true(entry.changed >= changed.get('c/second')!);
  });

  contract('a deleted file is gone, and the rest is not', async (t, storage) => {
    await storage.putDocument('c/n/b/one', '1');
    await storage.putDocument('c/n/b/two', '2');
    t.true(await storage.delete('c/n/b/one'));
    t.false(await storage.delete('c/n/b/one'));
    t.deepEqual(await listed(storage), [{ key: 'c/n/b/two', size: 1 }]);
    await t.throwsAsync(storage.delete('c/../d'), { code: 'BAD_REQUEST' });
  });

  contract('a deleted folder is gone with all below it, but for what is to be kept', async (t, storage) => {
    for (const key of ['c/n/b/ks/t/1', 'c/n/b/ks/t/2', 'c/n/b/top', 'c/n/other/x', 'c/m/b/x']) {
      await storage.putDocument(key, 'x');
    }
    const deleted: string[] = [];
    await storage.deleteFolder('c/n/b/', { keep: new Set(['c/n/b/ks/t/2']), onFile: (key) => deleted.push(key) });
    t.deepEqual(deleted.toSorted(), ['c/n/b/ks/t/1', 'c/n/b/top']);
    t.deepEqual(
      (await listed(storage, 'c/n/')).map(({ key }) => key),
      ['c/n/b/ks/t/2', 'c/n/other/x'],
    );
    await storage.deleteFolder('c/n/b/');
    t.deepEqual(await storage.folders('c/n/'), ['other']);
    await storage.deleteFolder('c/m/b/');
    t.deepEqual(await storage.folders('c/'), ['n']);
    await t.notThrowsAsync(storage.deleteFolder('c/m/b/'));
    await t.throwsAsync(storage.deleteFolder('c/../'), { code: 'BAD_REQUEST' });
  });
}
