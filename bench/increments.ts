import { rm } from 'node:fs/promises';
import type { JobJson } from '../src/jobs/job-json.ts';
import { change, drop, fill } from './dataset.ts';
import { medianOf, rounded, type Result, type Row } from './results.ts';
import { secondsOf, type BenchRing } from './ring.ts';

const CHANGED = 0.05;

/** A second backup of the same data, and a third of data of which a twentieth is new, beside the first. */
export async function measureIncrements(
  ring: BenchRing,
  { gib, rounds, name }: { gib: number; rounds: number; name: string },
): Promise<Result> {
  const rows: Row[] = [];
  let [bytes, files] = [0, 0];
  for (let round = 1; round <= rounds; round += 1) {
    try {
      const written = await fill(ring, gib);
      const first = await ring.run('backup', `first-${round}`);
      const same = await ring.run('backup', `same-${round}`);
      await change(ring, written, CHANGED);
      const changed = await ring.run('backup', `changed-${round}`);
      bytes = first.bytesDone;
      files = filesOf(first);
      rows.push({
        'first (s)': secondsOf(first, 'backup'),
        'unchanged (s)': secondsOf(same, 'backup'),
        '5 % changed (s)': secondsOf(changed, 'backup'),
        'unchanged / first, time': timeShare(same, first),
        'unchanged / first, bytes': byteShare(same, first),
        '5 % changed / first, time': timeShare(changed, first),
        '5 % changed / first, bytes': byteShare(changed, first),
      });
    } finally {
      await rm(ring.backups, { recursive: true, force: true });
      await drop(ring);
    }
  }
  const ratios = Object.keys(rows[0] ?? {}).filter((column) => column.includes('/'));
  const summary = Object.fromEntries(ratios.map((column) => [`median ${column}`, medianOf(rows, column)]));
  const title = 'Backups that build on a first one; aim: unchanged 0.02, 5 % changed 0.08 of its time and bytes';
  return { name, title, settings: { bytes, files, rounds }, rows, summary };
}

function timeShare(job: JobJson, first: JobJson): number {
  return rounded(secondsOf(job, 'backup') / secondsOf(first, 'backup'));
}

function byteShare(job: JobJson, first: JobJson): number {
  return rounded((job.bytesSent ?? Number.NaN) / (first.bytesSent ?? Number.NaN), 5);
}

function filesOf({ phases }: JobJson): number {
  return phases.flatMap(({ steps }) => steps).reduce((sum, { filesDone }) => sum + filesDone, 0);
}
