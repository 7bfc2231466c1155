// Measures the program on a ring of one real Cassandra node, and its scheduler on a ring of many simulated ones. Usage:
//   npm run bench -- [backup] [increments] [verify] [restore] [memory] [overhead] [--gib 2] [--sizes 0.2,1,4] [--rounds 5]
//                    [--directory where the data goes] [--port REST] [--address loopback address of the node]
//                    [--memtable-mib larger SSTables: 3072 for about 250 MB]
//   npm run bench -- scale [--nodes 1000,5000] [--step-ms 20] [--concurrency 50] [--health-interval 10]
//                    [--profile where V8's CPU profiles of the scheduler go]
//   npm run bench -- offers [--rate 10000] [--seconds 10]
//   npm run bench -- storage [--gib 2] [--files 20000] [--rounds 3] [--stores S3,Azure,Google]
//   npm run bench -- storage-memory [--gib 5] [--stores S3,Azure,Google]
//   npm run bench -- catalogue [--backups 1000] [--backup-nodes 100] [--sstables 2000]
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { measureBackup } from './backup.ts';
import { measureCatalogue } from './catalogue.ts';
import { measureIncrements } from './increments.ts';
import { measureMemory } from './memory.ts';
import { measureOffers } from './offers.ts';
import { measureOverhead } from './overhead.ts';
import { measureRestore } from './restore.ts';
import { report } from './results.ts';
import { BenchRing } from './ring.ts';
import { measureScale } from './scale.ts';
import { measureStorageMemory } from './storage-memory.ts';
import { measureStorage } from './storage.ts';
import { measureVerify } from './verify.ts';

const PARTS = ['overhead', 'backup', 'increments', 'verify', 'restore', 'memory'];
const ALL = [...PARTS, 'scale', 'offers', 'catalogue', 'storage', 'storage-memory'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    gib: { type: 'string' },
    sizes: { type: 'string', default: '0.2,1,4' },
    rounds: { type: 'string', default: '5' },
    directory: { type: 'string', default: tmpdir() },
    port: { type: 'string', default: '18400' },
    address: { type: 'string', default: '127.0.4.1' },
    'memtable-mib': { type: 'string' },
    nodes: { type: 'string', default: '1000' },
    'step-ms': { type: 'string', default: '20' },
    concurrency: { type: 'string', default: '50' },
    'health-interval': { type: 'string', default: '10' },
    profile: { type: 'string' },
    rate: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '10' },
    files: { type: 'string', default: '20000' },
    stores: { type: 'string', default: 'S3,Azure,Google' },
    backups: { type: 'string', default: '1000' },
    'backup-nodes': { type: 'string', default: '100' },
    sstables: { type: 'string', default: '2000' },
  },
});
const unknown = positionals.filter((part) => !ALL.includes(part));
if (unknown.length > 0) throw new Error(`expected some of ${ALL.join(', ')}, got ${unknown.join(', ')}`);
const wanted = new Set(positionals.length === 0 ? ALL : positionals);
const gib = Number(values.gib ?? 2);
const rounds = Number(values.rounds);
const sizes = values.sizes.split(',').map(Number);
const nodes = values.nodes.split(',').map(Number);
const [stepMs, concurrency, healthSeconds] = [
  Number(values['step-ms']),
  Number(values.concurrency),
  Number(values['health-interval']),
];
const [rate, seconds] = [Number(values.rate), Number(values.seconds)];
const catalogue = {
  backups: Number(values.backups),
  nodes: Number(values['backup-nodes']),
  sstables: Number(values.sstables),
};
const numbers = [
  gib,
  rounds,
  Number(values.files),
  ...sizes,
  ...nodes,
  stepMs,
  concurrency,
  healthSeconds,
  rate,
  seconds,
];
numbers.push(...Object.values(catalogue));
if (!numbers.every((value) => value > 0)) {
  throw new Error('expected numbers above 0 for sizes, counts and times');
}

if (wanted.delete('scale')) {
  const { directory, profile } = values;
  const execArgv = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  for (const count of nodes) {
    const options = {
      nodes: count,
      stepMs,
      concurrency,
      healthSeconds,
      directory,
      port: Number(values.port),
      execArgv,
    };
    report(await measureScale(options));
  }
  if (wanted.size === 0) process.exit();
}

if (wanted.delete('storage')) {
  const { directory } = values;
  const stores = values.stores.split(',');
  const options = { gib, files: Number(values.files), rounds, directory, stores };
  for (const result of await measureStorage(options)) report(result);
  if (wanted.size === 0) process.exit();
}

if (wanted.delete('storage-memory')) {
  const { directory, address } = values;
  const at = { directory, port: Number(values.port), address };
  const options = { gib: Number(values.gib ?? 5), stores: values.stores.split(','), ...at };
  for (const result of await measureStorageMemory(options)) report(result);
  if (wanted.size === 0) process.exit();
}

if (wanted.delete('offers')) {
  report(await measureOffers({ rate, seconds, directory: values.directory, port: Number(values.port) }));
  if (wanted.size === 0) process.exit();
}

if (wanted.delete('catalogue')) {
  const { directory } = values;
  report(await measureCatalogue({ ...catalogue, rounds: rounds * 4, directory, port: Number(values.port) }));
  if (wanted.size === 0) process.exit();
}

const ring = await BenchRing.create(
  values.directory,
  Number(values.port),
  values.address,
  values['memtable-mib'] === undefined ? null : Number(values['memtable-mib']),
);
for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(name, () => void ring.end().finally(() => process.exit(code)));
}

/** Memory alone still needs something to have happened. */
async function measure(): Promise<void> {
  if (wanted.has('overhead')) report(await measureOverhead(ring, rounds));
  if (wanted.has('backup')) report(await measureBackup(ring, gib, rounds));
  else if (wanted.has('memory')) await measureBackup(ring, gib, 1);
  if (wanted.has('increments')) {
    const name = values['memtable-mib'] === undefined ? 'increments' : 'increments-large-sstables';
    report(await measureIncrements(ring, { gib, rounds, name }));
  }
  if (wanted.has('verify')) report(await measureVerify(ring, gib, rounds));
  if (wanted.has('restore')) report(await measureRestore(ring, sizes, rounds));
  else if (wanted.has('memory')) await measureRestore(ring, sizes, 1);
  if (wanted.has('memory')) report(measureMemory(ring, [gib, ...sizes]));
}

try {
  await ring.start();
  await measure();
} finally {
  await ring.end();
}
