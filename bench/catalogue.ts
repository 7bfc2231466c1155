import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupJson } from '../src/jobs/backup-json.ts';
import { makeLocation, type LocationSize } from './catalogue/location.ts';
import { OfferStorm } from './offers/offer-storm.ts';
import { median, rounded, type Result, type Row } from './results.ts';
import { statusField } from './ring.ts';
import { SchedulerProcess } from './scale/scheduler-process.ts';

const CLUSTER = 'scale';
const POLL_MS = 20;

export interface CatalogueOptions extends Omit<LocationSize, 'cluster'> {
  rounds: number;
  directory: string;
  port: number;
}

/** The catalogue of a location with very many backups, through the REST API of a scheduler that knows nothing of them, and of one that does. */
export async function measureCatalogue({
  rounds,
  directory: parent,
  port,
  ...size
}: CatalogueOptions): Promise<Result> {
  const directory = await mkdtemp(join(parent, 'cassandra-mesos-catalogue-'));
  const backups = join(directory, 'backup');
  await mkdir(backups);
  const master = new OfferStorm(1, 1000);
  const scheduler = new SchedulerProcess({
    directory,
    master: await master.start(),
    port,
    nodes: 3,
    healthSeconds: 10,
    execArgv: [],
    backupDirectory: backups,
  });
  const begin = performance.now();
  try {
    const newest = await makeLocation(backups, { cluster: CLUSTER, ...size });
    const generated = rounded((performance.now() - begin) / 1000, 1);
    console.log(`generated ${describe(size)} in ${generated} s`);
    const rows: Row[] = [];
    for (const scene of ['never seen', 'scheduler restarted']) {
      const subscribed = once(master, 'subscribed');
      scheduler.start();
      await Promise.race([subscribed, scheduler.ended()]);
      rows.push(await measure(scheduler, scene, newest, { rounds, backups: size.backups }));
      await scheduler.stop('SIGTERM');
    }
    const worst = (column: string): number => Math.max(...rows.map((row) => Number(row[column])));
    const columns = Object.keys(rows[0] ?? {}).filter((column) => /median|RSS/.test(column));
    return {
      name: 'catalogue',
      title: `Catalogue of ${describe(size)}; aim: list below 200 ms, one below 500 ms, memory bounded`,
      settings: { ...size, rounds },
      rows,
      summary: Object.fromEntries(columns.map((column) => [column, worst(column)])),
    };
  } finally {
    await scheduler.stop('SIGTERM');
    await master.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

function describe({ backups, nodes, sstables }: Omit<LocationSize, 'cluster'>): string {
  return (
    `${backups} backups of ${nodes} nodes with ${sstables} SSTables (all records, a manifest of each node as hard links, ` +
    'the Data.db of the newest backup, empty)'
  );
}

async function measure(
  scheduler: SchedulerProcess,
  scene: string,
  newest: string,
  { rounds, backups }: { rounds: number; backups: number },
): Promise<Row> {
  const list = async (): Promise<BackupJson[]> =>
    ((await scheduler.get('/cluster/backups')) as { backups: BackupJson[] }).backups;
  const one = (name: string) => scheduler.get(`/cluster/backups/${name}`) as Promise<BackupJson>;
  // The look at the start of the scheduler is under way meanwhile, as it is for an operator.
  const first = await timed(list);
  if (first.result.length !== backups) throw new Error(`expected ${backups} backups, got ${first.result.length}`);
  const counted = await timed(async () => {
    while ((await one(newest)).bytesOwn === null) await sleep(POLL_MS);
  });
  const names = first.result.map(({ name }) => name);
  const [lists, ones] = [[] as number[], [] as number[]];
  for (let round = 0; round < rounds; round += 1) {
    lists.push((await timed(list)).ms);
    const name = names[Math.floor((round / rounds) * names.length)] ?? '';
    ones.push((await timed(() => one(name))).ms);
  }
  return {
    scene,
    'first list (ms)': rounded(first.ms, 0),
    'list, median (ms)': rounded(median(lists), 0),
    'list, max (ms)': rounded(Math.max(...lists), 0),
    'one, median (ms)': rounded(median(ones), 0),
    'one, max (ms)': rounded(Math.max(...ones), 0),
    'own bytes of the newest (s)': rounded(counted.ms / 1000, 1),
    'scheduler peak RSS (MiB)': rounded(Number(statusField(scheduler.pid, 'VmHWM')) / 1024, 0),
  };
}

async function timed<T>(act: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const begin = performance.now();
  const result = await act();
  return { result, ms: performance.now() - begin };
}
