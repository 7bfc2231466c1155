import { nodeInspect } from '../../src/executor/node-inspect.ts';
import type { DamagedFile } from '../../src/model/backup.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { EXECUTOR_ID, type Host } from './step-context.ts';

/** Reads every byte of a backup of this one node and says what is wrong with it. */
export async function inspectBackup(host: Host, storage: Storage, backupName: string): Promise<DamagedFile[]> {
  const inspectors = [{ executorId: EXECUTOR_ID, hostId: null, tokens: [], ready: true }];
  const context = host.context(
    { type: 'VERIFY', phase: 'inspect', jobUuid: 'verify', backupName, deep: true, inspectors },
    { storage },
  );
  await nodeInspect(context);
  return context.reporter.report.inspection?.damaged ?? [];
}
