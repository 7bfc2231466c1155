// A process that stores one file: put-file-child.ts <location> <key> <path> [<folder of unfinished uploads>], credentials in its variables. Says on
// stdout what it has stored, in JSON.
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { openStorage } from '../../src/storage/open.ts';

const [location = '', key = '', path = '', uploadsDirectory] = process.argv.slice(2);
const pool = createCopyPool(1);
const how = { pool, baseDirectory: '/', create: true, env: process.env, uploadsDirectory };
const storage = await openStorage(location, how);
process.stdout.write(JSON.stringify(await storage.putFile(key, path)));
await pool.close();
