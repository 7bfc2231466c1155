// A process that stores one file: put-file-child.ts <location> <key> <path>, credentials in its variables. Says on stdout what it has moved, in bytes.
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { openStorage } from '../../src/storage/open.ts';

const [location = '', key = '', path = ''] = process.argv.slice(2);
const pool = createCopyPool(1);
const storage = await openStorage(location, { pool, baseDirectory: '/', create: true, env: process.env });
let moved = 0;
await storage.putFile(key, path, {
  onBytes(bytes) {
    moved += bytes;
    process.stdout.write(`${moved}\n`);
  },
});
await pool.close();
