// Starts one ring of three for all scenarios, runs them (or the files given), and stops it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalRing } from './lib/local-ring.ts';

const data = await mkdtemp(join(tmpdir(), 'cassandra-mesos-ring-'));
const ring = new LocalRing({ nodes: 3, port: 18_180, data });
let code = 1;
try {
  await ring.start();
  await ring.ready(300_000, (normal) => process.stderr.write(`scenarios: ${normal} of 3 nodes are NORMAL\n`));
  const args = ['node_modules/ava/entrypoints/cli.js', '--config', 'ava.scenarios.config.js', ...process.argv.slice(2)];
  const env = { ...process.env, TEST_RING: JSON.stringify(ring.options) };
  const child = spawn(process.execPath, args, { stdio: 'inherit', env });
  [code] = (await once(child, 'exit')) as [number];
} catch (error) {
  process.stderr.write(`scenarios: ${error instanceof Error ? error.message : String(error)}\n`);
} finally {
  await ring.stop();
}
if (code === 0) await rm(data, { recursive: true, force: true });
else process.stderr.write(`scenarios: logs and data of the ring are in ${data}\n`);
process.exitCode = code ?? 1;
