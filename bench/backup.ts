import { execFile } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { drop, fill, KEYSPACE } from './dataset.ts';
import { medianOf, rounded, type Result, type Row } from './results.ts';
import { secondsOf, type BenchRing } from './ring.ts';

/** Nothing here blocks the event loop: a connection that the ring closes meanwhile would not be noticed. */
const execute = promisify(execFile);

const CP = 'cp -r + sync -f (s)';
const STEP = 'backup step (s)';
const JOB = 'whole job (s)';
const RATIO = 'step / cp';

/** Wall time of one node's backup beside `cp -r` and `sync -f` of the same SSTables, in turns. */
export async function measureBackup(ring: BenchRing, gib: number, rounds: number): Promise<Result> {
  const source = join(ring.directory, 'source');
  const copy = join(ring.directory, 'copy');
  try {
    await fill(ring, gib);
    // Its snapshot writes all memtables, so that both copy the same files from here on.
    await ring.run('backup', 'first');
    const bytes = linkSSTables(ring, source);
    const rows: Row[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      await removeAndSync(ring, ring.backups, copy);
      const cp = await copyWithCp(source, copy);
      await removeAndSync(ring, ring.backups, copy);
      const job = await ring.run('backup', `round-${round}`);
      const step = secondsOf(job, 'backup');
      if (job.bytesDone !== bytes) throw new Error(`cp copied ${bytes} bytes, the backup ${job.bytesDone}`);
      rows.push({
        [CP]: rounded(cp),
        [STEP]: step,
        [JOB]: ((job.finished ?? Number.NaN) - job.started) / 1000,
        [RATIO]: rounded(step / cp),
      });
    }
    const summary = {
      ...Object.fromEntries([CP, STEP, JOB].map((column) => [`median ${column}`, medianOf(rows, column)])),
      'ratio of the medians': rounded(medianOf(rows, STEP) / medianOf(rows, CP)),
      'median ratio': medianOf(rows, RATIO),
    };
    const files = readdirSync(source, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const title = 'Backup of one node to a directory, beside cp -r and sync -f of the same files; aim: ratio 1.3';
    return { name: 'backup', title, settings: { bytes, files: files.length, rounds }, rows, summary };
  } finally {
    await removeAndSync(ring, ring.backups, copy, source);
    await drop(ring);
  }
}

/** Hard links to the live SSTables, as a snapshot has them. Returns their bytes. */
function linkSSTables(ring: BenchRing, source: string): number {
  let bytes = 0;
  for (const folder of ring.tableFolders(KEYSPACE)) {
    const target = join(source, basename(folder));
    mkdirSync(target, { recursive: true });
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (!entry.isFile()) continue;
      linkSync(join(folder, entry.name), join(target, entry.name));
      bytes += statSync(join(folder, entry.name)).size;
    }
  }
  return bytes;
}

async function copyWithCp(source: string, target: string): Promise<number> {
  const begin = performance.now();
  await execute('cp', ['-r', source, target]);
  await execute('sync', ['-f', target]);
  return (performance.now() - begin) / 1000;
}

/** Every round begins with the same free space and nothing to be written. */
async function removeAndSync(ring: BenchRing, ...paths: string[]): Promise<void> {
  for (const path of paths) await rm(path, { recursive: true, force: true });
  await execute('sync', ['-f', ring.directory]);
}
