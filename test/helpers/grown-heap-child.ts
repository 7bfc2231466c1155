// A process of its own that asks a location for a document many times, and prints by how many bytes its heap has grown meanwhile. Wants --expose-gc.
import { setTimeout as pause } from 'node:timers/promises';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { openStorage } from '../../src/storage/open.ts';

const [, , location = ''] = process.argv;
const pool = createCopyPool(1);
const storage = await openStorage(location, { pool, baseDirectory: '/nowhere', create: true, env: process.env });

/** Once what was learnt by the first requests is known. */
async function heapAfter(requests: number): Promise<number> {
  for (let request = 0; request < requests; request += 1) await storage.getDocument('c/nothing');
  await pause(0);
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

const before = await heapAfter(300);
console.log((await heapAfter(1000)) - before);
await pool.close();
