import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../helpers/free-port.ts';

export const KEY = { id: 'test-key', secret: 'test-secret' };

/** A real S3 server on loopback whose buckets are directories. */
export interface S3Server {
  endpoint: string;
  stop(): Promise<void>;
}

export async function startVersitygw(binary: string, directory: string): Promise<S3Server> {
  const port = await freePort();
  const data = join(directory, 'buckets');
  mkdirSync(data, { recursive: true });
  const server = spawn(binary, ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', data], {
    env: { ...process.env, ROOT_ACCESS_KEY: KEY.id, ROOT_SECRET_KEY: KEY.secret },
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
    endpoint: `http://127.0.0.1:${port}`,
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
