// Wall time of storing a backup beside `cp -r` and `sync -f`, in alternating rounds on the same files.
// Usage: node bench/copy.ts [directory] [total MiB] [files] [rounds] [threads]
import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCopyPool } from '../src/storage/copy-pool.ts';
import { openStorage } from '../src/storage/open.ts';

const [directory = tmpdir(), totalMib = '2048', fileCount = '20', roundCount = '4', threads] = process.argv.slice(2);
const work = mkdtempSync(join(directory, 'bench-copy-'));
const source = join(work, 'source');
const files = Number(fileCount);
const pool = createCopyPool(threads === undefined ? undefined : Number(threads));

function makeSource(): void {
  mkdirSync(source);
  const content = Buffer.alloc(Math.ceil((Number(totalMib) * 1024 * 1024) / files));
  for (let i = 0; i < files; i++) writeFileSync(join(source, `nb-${i}-big-Data.db`), randomFillSync(content));
}

/** Removes what the last round left, so that every round begins with a clean file system. */
function clean(): void {
  for (const name of ['cp', 'ours']) rmSync(join(work, name), { recursive: true, force: true });
  execFileSync('sync', ['-f', work]);
}

async function timed(act: () => Promise<void> | void): Promise<number> {
  clean();
  const begin = performance.now();
  await act();
  return (performance.now() - begin) / 1000;
}

function copyWithCp(): void {
  execFileSync('cp', ['-r', source, join(work, 'cp')]);
  execFileSync('sync', ['-f', join(work, 'cp')]);
}

async function copyWithOurs(): Promise<void> {
  const storage = await openStorage(join(work, 'ours'), { pool, baseDirectory: work, create: true });
  const names = readdirSync(source);
  // A few more than the threads, so that each finds its next file waiting.
  const lanes = Array.from({ length: pool.workers * 2 }, async () => {
    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      await storage.putFile(`cluster/node/name/ks/table/${name}`, join(source, name));
    }
  });
  await Promise.all(lanes);
  await storage.flush();
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

try {
  makeSource();
  const rows: { 'cp -r + sync -f (s)': number; 'putFile + flush (s)': number; ratio: number }[] = [];
  for (let round = 0; round < Number(roundCount); round++) {
    const cp = await timed(copyWithCp);
    const ours = await timed(copyWithOurs);
    rows.push({
      'cp -r + sync -f (s)': +cp.toFixed(2),
      'putFile + flush (s)': +ours.toFixed(2),
      ratio: +(ours / cp).toFixed(2),
    });
  }
  console.log(`${totalMib} MiB in ${files} files, ${pool.workers} threads`);
  console.table(rows);
  console.log(
    `median ratio ${median(rows.map((row) => row.ratio))}, peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`,
  );
} finally {
  await pool.close();
  rmSync(work, { recursive: true, force: true });
}
