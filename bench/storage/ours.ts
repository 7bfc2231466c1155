// One node's transfer of a folder, as its executor does it. Usage: ours.ts up|down <location> <folder> <lanes>
// Prints what it took as JSON.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transferAll } from '../../src/executor/transfers.ts';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { HashThreads } from '../../src/storage/hasher.ts';
import { openStorage } from '../../src/storage/open.ts';

const [direction, location = '', folder = ''] = process.argv.slice(2);
const pool = createCopyPool();
const begin = performance.now();
const hashing = new HashThreads(Math.ceil(pool.workers / 2));
const storage = await openStorage(location, { pool, hashing, baseDirectory: folder, create: true, env: process.env });
/** What a manifest would say. */
const manifest = join(folder, '..', 'manifest.json');
const { signal } = new AbortController();
if (direction === 'up') {
  const files: { name: string; size: number; sha256: string }[] = [];
  const sources = readdirSync(folder).map((name) => ({ name, size: statSync(join(folder, name)).size }));
  await transferAll(sources, signal, async ({ name }) => {
    files.push({ name, ...(await storage.putFile(`c/n/b/ks/t/${name}`, join(folder, name), { signal })) });
  });
  writeFileSync(manifest, JSON.stringify(files));
} else {
  const files = JSON.parse(readFileSync(manifest, 'utf8')) as { name: string; size: number; sha256: string }[];
  await transferAll(files, signal, async ({ name, ...expected }) => {
    await storage.getFile(`c/n/b/ks/t/${name}`, join(folder, name), expected, { signal });
  });
}
await Promise.all([pool.close(), hashing.close()]);
const seconds = (performance.now() - begin) / 1000;
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
console.log(JSON.stringify({ seconds, cpu: (userCPUTime + systemCPUTime) / 1e6, mib: maxRSS / 1024 }));
