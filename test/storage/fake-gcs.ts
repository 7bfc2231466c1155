import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { globSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import type { CopyPool } from '../../src/storage/copy-pool.ts';
import { parseGsLocation } from '../../src/storage/gs/gs-location.ts';
import { openGsStorage } from '../../src/storage/gs/open-gs.ts';
import { MemoryBudget } from '../../src/storage/objects/memory-budget.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { freePort } from '../helpers/free-port.ts';

/** A server on loopback that speaks Google Cloud Storage's JSON interface. */
export interface GcsServer {
  endpoint: string;
  stop(): Promise<void>;
}

/** Opens a place of its own in a bucket of its own, unless `bucket` names one. */
export function openGsAt(
  { endpoint }: Pick<GcsServer, 'endpoint'>,
  pool: CopyPool,
  { bucket = `b-${randomUUID()}`, options = '&createBucket=true', patient = true, env = {} } = {},
): Promise<Storage> {
  const location = parseGsLocation(`gs://${bucket}/a/prefix?endpoint=${endpoint}${options}`);
  const memory = new MemoryBudget(64 * 1024 ** 2);
  return openGsStorage(location, {
    pool,
    memory,
    places: { env, sandbox: '/nowhere' },
    clock: systemClock,
    create: true,
    patient,
  });
}

/** As `scripts/setup --tests` has installed it; null where there was no Go to do so. */
export const FAKE_GCS =
  globSync(join(import.meta.dirname, '../../.cache/fake-gcs-server/*/fake-gcs-server'))[0] ?? null;

/** Its buckets lie in `directory`, whose file names are not as long as those of objects may be; null: in its memory. */
export async function startFakeGcs(directory: string | null): Promise<GcsServer> {
  if (FAKE_GCS === null) throw new Error('expected fake-gcs-server in .cache: run scripts/setup --tests');
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const backend = directory === null ? ['memory'] : ['filesystem', '-filesystem-root', join(directory, 'buckets')];
  if (directory !== null) mkdirSync(join(directory, 'buckets'), { recursive: true });
  const at = ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port), '-log-level', 'error'];
  const server = spawn(FAKE_GCS, [...at, '-backend', ...backend], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(server, 'exit');
  while (!(await answers(endpoint))) {
    if (server.exitCode !== null) throw new Error(`fake-gcs-server ended: ${said}`);
    await pause(20);
  }
  return {
    endpoint,
    async stop() {
      server.kill('SIGKILL');
      await ended;
    },
  };
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    await (await fetch(`${endpoint}/storage/v1/b?project=any`)).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
