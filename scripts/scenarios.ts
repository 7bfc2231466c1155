// Runs all scenarios, or the files given: one after the other on one ring of three, and beside them those that make a
// ring of their own.
import { spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { LocalRing } from './lib/local-ring.ts';

const AVA = ['node_modules/ava/entrypoints/cli.js', '--config', 'ava.scenarios.config.js'];

const words = process.argv.slice(2);
const options = words.filter((word) => word.startsWith('-'));
const given = words.filter((word) => !word.startsWith('-'));
const files = given.length > 0 ? given : globSync('test/scenarios/**/*.test.ts').toSorted();
const ownRing = files.filter((file) => file.includes('/own-ring/'));
const sharedRing = files.filter((file) => !ownRing.includes(file));

function ava(chosen: string[], stdio: StdioOptions, env: NodeJS.ProcessEnv = {}) {
  return spawn(process.execPath, [...AVA, ...options, ...chosen], { stdio, env: { ...process.env, ...env } });
}

/** Throws when it does not come up; then it is stopped already. */
async function startRing(): Promise<LocalRing> {
  const data = await mkdtemp(join(tmpdir(), 'cassandra-mesos-ring-'));
  const yaml = join(data, 'overrides.yaml');
  // A node that has a replica answers from it, so that a test can ask for what one node has.
  await writeFile(yaml, 'dynamic_snitch: false\n');
  const ring = new LocalRing({ nodes: 3, port: 18_180, data, args: ['--cassandra-yaml', yaml] });
  try {
    await ring.start();
    await ring.ready(300_000, (normal) => process.stderr.write(`scenarios: ${normal} of 3 nodes are NORMAL\n`));
    return ring;
  } catch (error) {
    await ring.stop();
    throw new Error(`logs and data of the ring are in ${data}`, { cause: error });
  }
}

/** True when all have passed. Stops the ring. */
async function onSharedRing(ring: LocalRing): Promise<boolean> {
  const { data } = ring.options;
  try {
    const child = ava(sharedRing, 'inherit', { TEST_RING: JSON.stringify(ring.options) });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) process.stderr.write(`scenarios: logs and data of the ring are in ${data}\n`);
    return code === 0;
  } finally {
    await ring.stop();
  }
}

/** Their report is shown in one piece, after the other. */
async function onOwnRings(shown: Promise<unknown>): Promise<boolean> {
  const child = ava(ownRing, ['ignore', 'pipe', 'inherit']);
  const [report, [code]] = await Promise.all([child.stdout ? buffer(child.stdout) : '', once(child, 'exit')]);
  await shown;
  process.stdout.write(report);
  return code === 0;
}

// Not before the shared ring is up: two that start at the same time would starve each other.
const ring = sharedRing.length > 0 ? await startRing() : null;
const shared = ring === null ? Promise.resolve(true) : onSharedRing(ring);
const passed = await Promise.all([shared, ownRing.length > 0 ? onOwnRings(shared) : true]);
if (ring !== null && (await shared)) await rm(ring.options.data, { recursive: true, force: true });
process.exitCode = passed.every(Boolean) ? 0 : 1;
