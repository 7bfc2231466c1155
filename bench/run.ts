// Measures the program on a ring of one real Cassandra node. Usage:
//   npm run bench -- [backup] [restore] [memory] [overhead] [--gib 2] [--sizes 0.2,1,4] [--rounds 5]
//                    [--directory where the data goes] [--port REST] [--address loopback address of the node]
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { measureBackup } from './backup.ts';
import { measureMemory } from './memory.ts';
import { measureOverhead } from './overhead.ts';
import { measureRestore } from './restore.ts';
import { report } from './results.ts';
import { BenchRing } from './ring.ts';

const PARTS = ['overhead', 'backup', 'restore', 'memory'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    gib: { type: 'string', default: '2' },
    sizes: { type: 'string', default: '0.2,1,4' },
    rounds: { type: 'string', default: '5' },
    directory: { type: 'string', default: tmpdir() },
    port: { type: 'string', default: '18400' },
    address: { type: 'string', default: '127.0.4.1' },
  },
});
const unknown = positionals.filter((part) => !PARTS.includes(part));
if (unknown.length > 0) throw new Error(`expected some of ${PARTS.join(', ')}, got ${unknown.join(', ')}`);
const wanted = new Set(positionals.length === 0 ? PARTS : positionals);
const gib = Number(values.gib);
const rounds = Number(values.rounds);
const sizes = values.sizes.split(',').map(Number);
if (![gib, rounds, ...sizes].every((value) => value > 0)) {
  throw new Error('expected numbers above 0 for --gib, --rounds and --sizes');
}

const ring = await BenchRing.create(values.directory, Number(values.port), values.address);
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
