// The demonstration: a real ring, real data, a backup, a bad day, a restore, every row compared.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as timer } from 'node:timers/promises';
import { connect, createSchema, damage, differences, digest, rowCount, writeRows } from './lib/dataset.ts';
import { LocalRing } from './lib/local-ring.ts';

const OPTIONS = {
  keep: { type: 'boolean', default: false },
  port: { type: 'string', default: '18080' },
  megabytes: { type: 'string', default: '200' },
} as const;

/** Says how it is called, and ends. */
function usage(error: unknown): never {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.stderr.write('usage: scripts/demo [--keep] [--port 18080] [--megabytes 200]\n');
  process.exit(2);
}

function readOptions() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    return usage(error);
  }
}
const values = readOptions();

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** A bar that is redrawn on a terminal, and a line for each tenth elsewhere. */
function bar(title: string): (share: number, detail?: string) => void {
  let last = -1;
  return (share, detail = '') => {
    const filled = Math.round(share * 30);
    const line = `  ${title} [${'='.repeat(filled)}${' '.repeat(30 - filled)}] ${Math.round(share * 100)}% ${detail}`;
    if (process.stdout.isTTY) process.stdout.write(`\r\u001B[K${line}${share >= 1 ? '\n' : ''}`);
    else if (Math.floor(share * 10) > last) say(line);
    last = Math.floor(share * 10);
  };
}

interface Job {
  result: string | null;
  progress: number | null;
  bytesTotal: number | null;
  currentNode: { executorId: string } | null;
  completedNodes: {
    executorId: string;
    processedKeyspaces: Record<string, { status: string; durationMillis: number }>;
  }[];
}

/** Starts a job, follows `/cluster/<type>/status` until it has ended, and shows what `/cluster/<type>/last` says of each keyspace. */
async function runJob(ring: LocalRing, type: 'backup' | 'restore', name: string): Promise<void> {
  const start = await ring.post(`/cluster/${type}/start?name=${name}`);
  if (start.status !== 200) throw new Error(`${type} was refused: ${JSON.stringify(start.body)}`);
  const draw = bar(type);
  for (;;) {
    const { body } = await ring.get(`/cluster/${type}/status`);
    const status = body as { running: boolean; backup?: Job; restore?: Job };
    const job = status[type];
    if (!status.running || !job) break;
    const megabytes = job.bytesTotal === null ? '' : `of ${Math.round(job.bytesTotal / 1e6)} MB `;
    draw(Math.min(job.progress ?? 0, 0.99), `${megabytes}${job.currentNode?.executorId ?? ''}`);
    await timer(200);
  }
  draw(1);
  const { body } = await ring.get(`/cluster/${type}/last`);
  const job = (body as Record<string, Job>)[type];
  if (job?.result !== 'SUCCESS') throw new Error(`${type} ended ${job?.result}: ${JSON.stringify(body, null, 2)}`);
  for (const { executorId, processedKeyspaces } of job.completedNodes) {
    const keyspaces = Object.entries(processedKeyspaces).map(
      ([keyspace, { status, durationMillis }]) => `${keyspace} ${status} in ${durationMillis} ms`,
    );
    say(`  ${executorId}: ${keyspaces.join(', ')}`);
  }
}

async function demonstrate(ring: LocalRing): Promise<void> {
  say('Starting three Cassandra nodes on 127.0.0.1, 127.0.0.2 and 127.0.0.3');
  await ring.start();
  await ring.ready(600_000, (normal) => say(`  ${normal} of 3 nodes are NORMAL`));

  const client = connect('127.0.0.1');
  try {
    const megabytes = Number(values.megabytes);
    say(`Writing two keyspaces with ${megabytes} MB of documents, replicated twice`);
    await createSchema(client, 2);
    await writeRows(client, megabytes, bar('write'));
    const before = await digest(client);
    say(`  ${rowCount(before)} rows are to be there after the restore`);

    say('Backup "demo"');
    await runJob(ring, 'backup', 'demo');
    say('A bad day: rows deleted, overwritten and added, table shop.users dropped');
    await damage(client);

    say('Restore "demo"');
    await runJob(ring, 'restore', 'demo');
    const wrong = differences(before, await digest(client));
    if (wrong.length > 0) throw new Error(`rows differ after the restore:\n${wrong.join('\n')}`);
    say(`All ${rowCount(before)} rows are as they were at backup time.`);
  } finally {
    await client.shutdown();
  }
}

const data = await mkdtemp(join(tmpdir(), 'cassandra-mesos-demo-'));
const ring = new LocalRing({ nodes: 3, port: Number(values.port), data });
let stopping = false;
async function end(code: number): Promise<never> {
  if (!stopping) {
    stopping = true;
    say('Stopping');
    await ring.stop();
    if (code === 0) await rm(data, { recursive: true, force: true });
    else say(`Logs are in ${data}`);
  }
  process.exit(code);
}
process.once('SIGINT', () => void end(130));
process.once('SIGTERM', () => void end(143));

try {
  await demonstrate(ring);
  if (values.keep) {
    say(`The ring goes on. REST API: ${ring.url} (documentation: ${ring.url}/api-docs), CQL: 127.0.0.1:9042`);
    say(`Data: ${data}. Ctrl-C stops everything.`);
    await new Promise(() => undefined);
  }
  await end(0);
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  await end(1);
}
