import test from 'ava';
import { backupAndRestore } from './back-up-and-restore.ts';
import { sharedRing } from './ring.ts';

test('a ring of three has every row as it was at backup time', async (t) => {
  await backupAndRestore(t, sharedRing(), 2);
});
