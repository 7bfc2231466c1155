import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { checkRows, drop, fill, KEYSPACE, removeSnapshots } from './dataset.ts';
import { medianOf, rounded, type Result, type Row } from './results.ts';
import { secondsOf, type BenchRing } from './ring.ts';

const WITHOUT_DATA = 'truncate to loaded (s)';
const WHOLE = 'whole job (s)';

/** Time from the begin of the truncation until all rows are there again, for several sizes. */
export async function measureRestore(ring: BenchRing, sizes: number[], rounds: number): Promise<Result> {
  const rows: Row[] = [];
  for (const gib of sizes) {
    try {
      const written = await fill(ring, gib);
      const name = `restore-${gib}`;
      await ring.run('backup', name);
      for (let round = 1; round <= rounds; round += 1) {
        const job = await ring.run('restore', name);
        await checkRows(ring, written);
        await removeSnapshots(ring);
        rows.push({
          GiB: gib,
          SSTables: countSSTables(ring),
          [WITHOUT_DATA]: secondsOf(job, 'truncate', 'load'),
          'truncate (s)': secondsOf(job, 'truncate'),
          'load (s)': secondsOf(job, 'load'),
          'stage (s)': secondsOf(job, 'stage'),
          [WHOLE]: ((job.finished ?? Number.NaN) - job.started) / 1000,
        });
      }
    } finally {
      await drop(ring);
      await rm(ring.backups, { recursive: true, force: true });
    }
  }
  const median = (gib: number | undefined): number =>
    medianOf(
      rows.filter((row) => row['GiB'] === gib),
      WITHOUT_DATA,
    );
  const summary = {
    ...Object.fromEntries(sizes.map((gib) => [`median ${WITHOUT_DATA} of ${gib} GiB`, median(gib)])),
    'ratio largest / smallest': rounded(median(Math.max(...sizes)) / median(Math.min(...sizes))),
  };
  const title = 'Time without data in a restore, by size; aim: it does not grow with the size';
  return { name: 'restore', title, settings: { gib: sizes, rounds }, rows, summary };
}

function countSSTables(ring: BenchRing): number {
  const names = ring.tableFolders(KEYSPACE).flatMap((folder) => readdirSync(folder));
  return names.filter((name) => name.endsWith('-Data.db')).length;
}
