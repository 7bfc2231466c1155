import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { parseAzureLocation } from '../../src/storage/azure/azure-location.ts';
import { openAzureStorage } from '../../src/storage/azure/open-azure.ts';
import type { CopyPool } from '../../src/storage/copy-pool.ts';
import { MemoryBudget } from '../../src/storage/objects/memory-budget.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { freePort } from '../helpers/free-port.ts';

export const AZURITE_ACCOUNT = { name: 'testaccount', key: Buffer.from('the key of a test').toString('base64') };

/** Its key, as `credentials=env:AZ_` names it. */
export const AZURITE_ENV: NodeJS.ProcessEnv = { AZ_ACCOUNT_KEY: AZURITE_ACCOUNT.key };

/** A server on loopback that speaks Azure Blob Storage's interface. */
export interface AzureServer {
  /** Of the blob service of AZURITE_ACCOUNT. */
  endpoint: string;
  stop(): Promise<void>;
}

/** Opens a place of its own in a container of its own, unless `container` names one. */
export function openAzureAt(
  { endpoint }: Pick<AzureServer, 'endpoint'>,
  pool: CopyPool,
  { container = `c-${randomUUID()}`, options = '&createBucket=true', patient = true, env = AZURITE_ENV } = {},
): Promise<Storage> {
  const location = parseAzureLocation(
    `azure://${container}/a/prefix?endpoint=${encodeURIComponent(endpoint)}&credentials=env:AZ_${options}`,
  );
  const places = { env, sandbox: '/nowhere' };
  const memory = new MemoryBudget(64 * 1024 ** 2);
  return openAzureStorage(location, { pool, memory, places, clock: systemClock, create: true, patient });
}

/** As `scripts/setup --tests` has installed it; null where it has not. */
export const AZURITE =
  globSync(join(import.meta.dirname, '../../.cache/azurite/*/node_modules/.bin/azurite-blob'))[0] ?? null;

/** Its containers lie in `directory`. `options`: of its command line. */
export async function startAzurite(directory: string, options: readonly string[] = []): Promise<AzureServer> {
  if (AZURITE === null) throw new Error('expected azurite in .cache: run scripts/setup --tests');
  const port = await freePort();
  const server = spawn(
    process.execPath,
    // It is older than the library, which asks for a version of the interface that it does not know.
    [AZURITE, '--blobPort', String(port), '--location', directory, '--silent', '--skipApiVersionCheck', ...options],
    {
      env: { ...process.env, AZURITE_ACCOUNTS: `${AZURITE_ACCOUNT.name}:${AZURITE_ACCOUNT.key}` },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(server, 'exit');
  while (!(await listens(port))) {
    if (server.exitCode !== null) throw new Error(`azurite ended: ${said}`);
    await pause(20);
  }
  return {
    endpoint: `${options.includes('--cert') ? 'https' : 'http'}://127.0.0.1:${port}/${AZURITE_ACCOUNT.name}`,
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
