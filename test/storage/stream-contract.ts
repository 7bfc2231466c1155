import { randomBytes } from 'node:crypto';
import type { Contract } from './contract.ts';
import { listed } from './listed.ts';

async function* inPieces(content: Buffer, bytes: number): AsyncGenerator<Buffer> {
  for (let begin = 0; begin < content.length; begin += bytes) yield content.subarray(begin, begin + bytes);
}

async function* failing(): AsyncGenerator<Buffer> {
  yield Buffer.alloc(17_000_000);
  throw new Error('the disk has failed');
}

/** What every kind of storage does with content of which it does not know before how long it is. */
export function streamContract(contract: Contract): void {
  for (const size of [0, 1, 20_000_003]) {
    contract(
      `a stream of ${size} bytes comes back as it was, also to one who keeps all it was given`,
      async (t, storage) => {
        const content = randomBytes(size);
        t.is(await storage.putStream('a/stream', inPieces(content, 3_333_333)), size);
        t.deepEqual(await listed(storage), [{ key: 'a/stream', size }]);
        const kept: Buffer[] = [];
        for await (const chunk of (await storage.readStream('a/stream'))!) kept.push(chunk);
        t.true(content.equals(Buffer.concat(kept)));
      },
    );
  }

  contract('of a stream that fails nothing is there, and what was there before stays', async (t, storage) => {
    await storage.putDocument('a/before', 'before');
    for (const key of ['a/new', 'a/before']) {
      await t.throwsAsync(storage.putStream(key, failing()), { message: /the disk has failed/ });
    }
    t.deepEqual(await listed(storage), [{ key: 'a/before', size: 6 }]);
    t.is(await storage.getDocument('a/before'), 'before');
    t.is(await storage.readStream('a/new'), null);
  });
}
