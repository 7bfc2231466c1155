import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { OperatorError } from '../errors.ts';
import { nodeFolder } from '../storage/layout.ts';
import { folderSize } from './live-size.ts';
import { unlessMissing } from './local-files.ts';
import type { StepContext } from './step-context.ts';

/** All nodes wait for the slowest: what is not counted by then is not. */
const COUNT_MS = 5_000;

/**
 * Throws NO_SPACE in the one case that is clear: everything of the node is to be sent, for nothing of it is at the location yet or
 * mode=full was said, and its data alone are more than is free there. Other backups may need nearly nothing.
 */
export async function refuseTooSmall({ request, storage, dataDirectories, clock }: StepContext): Promise<void> {
  const { type, cluster, executorId, keyspaces, tables, resume, mode, location } = request;
  const isCompressed = /[?&]compression=/.test(location);
  if (type !== 'BACKUP' || keyspaces !== null || tables !== null || resume || isCompressed) return;
  const free = await storage.freeBytes();
  if (free === null) return;
  const isFirst = (await storage.folders(nodeFolder(cluster, executorId))).length === 0;
  if (mode !== 'full' && !isFirst) return;
  const bytes = await liveBytes(dataDirectories, free, clock);
  if (bytes <= free) return;
  throw new OperatorError(
    'NO_SPACE',
    `${bytes} bytes or more are to be stored at ${storage.url}, ${free} bytes are free there`,
    {
      hint: 'Make room there, delete old backups, or choose another location.',
      details: { needed: bytes, free },
    },
  );
}

/**
 * What a snapshot of all that is no system keyspace would come to, as the files say: Cassandra need not answer. Counts no further than to more
 * than `enough`, and no longer than it may take.
 */
async function liveBytes(dataDirectories: string[], enough: number, clock: Clock): Promise<number> {
  const until = clock.now() + COUNT_MS;
  let sum = 0;
  for (const dataDirectory of dataDirectories) {
    for (const keyspace of await foldersIn(dataDirectory)) {
      if (keyspace.startsWith('system')) continue;
      for (const table of await foldersIn(join(dataDirectory, keyspace))) {
        if (sum > enough || clock.now() > until) return sum;
        sum += (await folderSize(join(dataDirectory, keyspace, table))).bytes;
      }
    }
  }
  return sum;
}

async function foldersIn(directory: string): Promise<string[]> {
  const entries = await unlessMissing(readdir(directory, { withFileTypes: true }), []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
