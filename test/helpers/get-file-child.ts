// A process that fetches one file: get-file-child.ts <location> <key> <path> <size> <sha256>, credentials in its variables. Says on stdout how it failed.
import { OperatorError } from '../../src/errors.ts';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { openStorage } from '../../src/storage/open.ts';

const [location = '', key = '', path = '', size = '', sha256 = ''] = process.argv.slice(2);
const pool = createCopyPool(1);
const storage = await openStorage(location, { pool, baseDirectory: '/', create: false, env: process.env });
try {
  await storage.getFile(key, path, { size: Number(size), sha256 });
} catch (error) {
  if (!(error instanceof OperatorError)) throw error;
  const { code, message, hint, details } = error;
  console.log(JSON.stringify({ code, message, hint, details }));
} finally {
  await pool.close();
}
