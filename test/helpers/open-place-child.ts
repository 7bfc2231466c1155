// A process of its own, with an environment of its own, that stores a document at a location and reads it again, `times` times. What came of it is
// one line of JSON: {"read": …} or {"code", "message", "hint"}, and the milliseconds it took.
import { OperatorError } from '../../src/errors.ts';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { openStorage } from '../../src/storage/open.ts';

const [, , location = '', times = '1'] = process.argv;
const began = performance.now();
const pool = createCopyPool(1);
const tell = (said: object): void => console.log(JSON.stringify({ ...said, ms: performance.now() - began }));
try {
  const deps = { pool, baseDirectory: '/nowhere', create: true, env: process.env, patient: false };
  const storage = await openStorage(location, deps);
  let read: string | null = null;
  for (let time = 1; time <= Number(times); time += 1) {
    await storage.putDocument('c/document', `content ${time}`);
    read = await storage.getDocument('c/document');
  }
  tell({ read });
} catch (error) {
  if (!(error instanceof OperatorError)) throw error;
  tell({ code: error.code, message: error.message, hint: error.hint });
} finally {
  await pool.close();
}
