import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { globSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import type { CopyPool } from '../../src/storage/copy-pool.ts';
import { MemoryBudget } from '../../src/storage/objects/memory-budget.ts';
import { parseS3Location } from '../../src/storage/s3/s3-location.ts';
import { openS3Storage } from '../../src/storage/s3/open-s3.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { freePort } from '../helpers/free-port.ts';

export const KEY = { id: 'test-key', secret: 'test-secret' };

/** A real S3 server on loopback whose buckets are directories. */
export interface S3Server {
  endpoint: string;
  pid: number | undefined;
  stop(): Promise<void>;
}

/** Opens a place of its own in a bucket of its own, unless `bucket` names one. */
export function openAt(
  { endpoint }: Pick<S3Server, 'endpoint'>,
  pool: CopyPool,
  { bucket = `b-${randomUUID()}`, options = '&createBucket=true', key = KEY, patient = true, env: more = {} } = {},
): Promise<Storage> {
  const location = parseS3Location(
    `s3://${bucket}/a/prefix?endpoint=${endpoint}&region=us-east-1&credentials=env:S3_${options}`,
  );
  const env = { S3_ACCESS_KEY_ID: key.id, S3_SECRET_ACCESS_KEY: key.secret, ...more };
  const places = { env, sandbox: '/nowhere' };
  const memory = new MemoryBudget(64 * 1024 ** 2);
  return openS3Storage(location, { pool, memory, places, clock: systemClock, create: true, patient });
}

/** As `scripts/setup --tests` has installed it; null where there was no Go to do so. */
export const VERSITYGW = globSync(join(import.meta.dirname, '../../.cache/versitygw/*/versitygw'))[0] ?? null;

/** Its buckets lie in `directory`, and belong to `key`. `options`: more of the server's own, and behind `posix` of its backend. */
export async function startVersitygw(directory: string, options: readonly string[] = [], key = KEY): Promise<S3Server> {
  if (VERSITYGW === null) throw new Error('expected versitygw in .cache: run scripts/setup --tests');
  const port = await freePort();
  const data = join(directory, 'buckets');
  mkdirSync(data, { recursive: true });
  const backend = options.includes('posix') ? [] : ['posix'];
  const server = spawn(VERSITYGW, ['--port', `127.0.0.1:${port}`, '--quiet', ...options, ...backend, data], {
    env: { ...process.env, ROOT_ACCESS_KEY: key.id, ROOT_SECRET_KEY: key.secret },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(server, 'exit');
  while (!(await listens(port))) {
    if (server.exitCode !== null) throw new Error(`versitygw ended: ${said}`);
    await pause(20);
  }
  return {
    endpoint: `http${options.includes('--cert') ? 's' : ''}://127.0.0.1:${port}`,
    pid: server.pid,
    async stop() {
      server.kill('SIGKILL');
      await ended;
    },
  };
}

async function listens(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
