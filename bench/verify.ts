import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { drop, fill } from './dataset.ts';
import { medianOf, rounded, type Result, type Row } from './results.ts';
import { secondsOf, type BenchRing } from './ring.ts';

/** A deep verification beside `sha256sum` of the same files with as many processes as there are cores, in alternating rounds. */
export async function measureVerify(ring: BenchRing, gib: number, rounds: number): Promise<Result> {
  const rows: Row[] = [];
  let bytes = 0;
  try {
    await fill(ring, gib);
    bytes = (await ring.run('backup', 'verified')).bytesDone;
    for (let round = 1; round <= rounds; round += 1) {
      const verify = secondsOf(await ring.verify('verified'), 'inspect');
      const sha256sum = rounded(await sha256sumSeconds(ring.backups));
      rows.push({
        'verify (s)': verify,
        'sha256sum (s)': sha256sum,
        'verify / sha256sum': rounded(verify / sha256sum),
      });
    }
  } finally {
    await rm(ring.backups, { recursive: true, force: true });
    await drop(ring);
  }
  const summary = { 'median verify / sha256sum': medianOf(rows, 'verify / sha256sum') };
  const title = 'A deep verification beside sha256sum of the same files; aim: 1.1 of its time';
  return { name: 'verify', title, settings: { bytes, rounds }, rows, summary };
}

async function sha256sumSeconds(directory: string): Promise<number> {
  const begin = performance.now();
  const script = `find "$0" -type f -print0 | xargs -0 -P${availableParallelism()} -n16 sha256sum`;
  await promisify(execFile)('sh', ['-c', script, directory], { maxBuffer: 64 * 1024 * 1024 });
  return (performance.now() - begin) / 1000;
}
