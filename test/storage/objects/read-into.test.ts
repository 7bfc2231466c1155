import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { crc32 } from 'node:zlib';
import { systemClock } from '../../../src/clock.ts';
import { AzureClient } from '../../../src/storage/azure/azure-client.ts';
import { parseAzureLocation } from '../../../src/storage/azure/azure-location.ts';
import { AzureStore } from '../../../src/storage/azure/azure-store.ts';
import { GsClient } from '../../../src/storage/gs/gs-client.ts';
import { parseGsLocation } from '../../../src/storage/gs/gs-location.ts';
import { GsStore } from '../../../src/storage/gs/gs-store.ts';
import { networkAgents } from '../../../src/storage/network.ts';
import type { ObjectStore } from '../../../src/storage/objects/object-store.ts';
import { createS3Client } from '../../../src/storage/s3/s3-client.ts';
import { parseS3Location } from '../../../src/storage/s3/s3-location.ts';
import { S3Store } from '../../../src/storage/s3/s3-store.ts';
import { FAULT_KINDS } from './fault-kinds.ts';

/** The store itself, with nothing before it. */
const OPEN: Record<string, (url: string, env: NodeJS.ProcessEnv) => Promise<ObjectStore>> = {
  async S3(url, env) {
    const location = parseS3Location(url);
    const agents = await networkAgents(location.network, env);
    return new S3Store(location, () =>
      createS3Client(location, { places: { env, sandbox: '/nowhere' }, agents, patient: true }),
    );
  },
  async Azure(url, env) {
    const location = parseAzureLocation(url);
    const agents = await networkAgents(location.network, env);
    const client = new AzureClient(location, { places: { env, sandbox: '/nowhere' }, agents, patient: true });
    return new AzureStore(location, client, systemClock);
  },
  async GCS(url, env) {
    const location = parseGsLocation(url);
    return new GsStore(location, new GsClient(location, { env, sandbox: '/nowhere' }, true));
  },
};

for (const kind of FAULT_KINDS) {
  const declare = kind.isInstalled ? test : test.skip;
  declare(
    `${kind.name}: what is read comes straight into the memory where it is wanted, and tells that it comes`,
    async (t) => {
      const directory = mkdtempSync(join(tmpdir(), 'read-into-'));
      const server = await kind.start(directory);
      t.teardown(async () => {
        await server.stop();
        rmSync(directory, { recursive: true, force: true });
      });
      const store = await OPEN[kind.name]!(kind.url(server.endpoint, 'bucket'), kind.env);
      await store.check(true);
      const content = Buffer.alloc(500_000, 'what is stored');
      await store.put('c/n/b/file', content, { crc32: crc32(content) });
      for (const range of [null, { begin: 1000, bytes: 300_000 }]) {
        const { begin, bytes } = range ?? { begin: 0, bytes: content.length };
        const into = Buffer.alloc(bytes);
        let told = 0;
        const { signal } = new AbortController();
        const found = await store.read('c/n/b/file', range, { into, moved: () => (told += 1), signal });
        t.is(found?.size, content.length);
        const chunks: Uint8Array[] = [];
        for await (const chunk of found!.body) chunks.push(chunk);
        t.deepEqual(
          chunks.map(({ buffer, byteOffset, length }) => [
            buffer === into.buffer,
            byteOffset - into.byteOffset,
            length,
          ]),
          [[true, 0, bytes]],
        );
        t.true(into.equals(content.subarray(begin, begin + bytes)));
        t.true(told > 0);
      }
    },
  );
}
