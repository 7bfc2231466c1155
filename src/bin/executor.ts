import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fetchedFiles, prepareSandbox } from '../artifacts/sandbox.ts';
import { systemClock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { cassandraServers } from '../executor/cassandra-server.ts';
import { Executor } from '../executor/executor.ts';
import { createLogger } from '../log.ts';
import { MesosExecutorClient } from '../mesos/executor-client.ts';
import { readExecutorEnvironment } from '../mesos/executor-environment.ts';
import { insecureLocation } from '../model/insecure-location.ts';
import type { ExecutorClient } from '../mesos/types.ts';
import { createCopyPool } from '../storage/copy-pool.ts';
import { HashThreads } from '../storage/hasher.ts';
import { MemoryBudget } from '../storage/objects/memory-budget.ts';
import { MEMORY_BYTES, openStorage } from '../storage/open.ts';

/** A node's reads and writes come before its backup: under load its Cassandra gets nine tenths of a core that both want. */
const COPY_NICENESS = 10;

/** Runs one node's executor, as a Mesos agent starts it, until it is shut down or the agent is lost for good. */
export async function runExecutor(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const { sandbox, shutdownGracePeriodMs, caFile, ...agent } = readExecutorEnvironment(env);
  const log = createLogger('executor', env['LOG_LEVEL'] ?? 'info');
  const clock = systemClock;
  const ca = agent.ca ?? (caFile === undefined ? undefined : await readFile(caFile, 'utf8'));
  const warnOnce = onceEach((warning) => log.warn(warning));
  const pool = createCopyPool(undefined, { niceness: COPY_NICENESS });
  const memory = new MemoryBudget(MEMORY_BYTES);
  // One hashes about 1 GB/s.
  const hashing = new HashThreads(Math.ceil(pool.workers / 2), COPY_NICENESS);
  const prepared = prepareSandbox(sandbox, fetchedFiles(env), signal);
  const executor = new Executor({
    client: afterPreparation(
      new MesosExecutorClient({ ...agent, ...(ca === undefined ? {} : { ca }), log, clock }),
      prepared,
    ),
    executorId: agent.executorId,
    startServer: (request, startSignal) => {
      const java = request.javaHome === null ? findJava(env) : resolve(sandbox, request.javaHome, 'bin/java');
      return cassandraServers({ clock, log, java, workDirectory: sandbox })(request, startSignal);
    },
    openStorage(location, how) {
      warnOnce(insecureLocation(location));
      return openStorage(location, { pool, baseDirectory: sandbox, memory, hashing, env, log, ...how });
    },
    pool,
    hostname: hostname(),
    clock,
    log,
    shutdownGracePeriodMs,
  });
  try {
    await executor.run(signal);
  } finally {
    await Promise.all([pool.close(), hashing.close()]);
  }
}

/**
 * Subscribes at once, for an agent waits for that no longer than for anything else; events wait until the sandbox is
 * prepared. Where it cannot be, the first task is failed with the reason and `run` throws it: the agent ends the
 * executor, and the next launch fetches everything anew.
 */
function afterPreparation(client: ExecutorClient, prepared: Promise<void>): ExecutorClient {
  // Told by the first event; until there is one nobody listens.
  prepared.catch(() => undefined);
  return {
    update: (status) => client.update(status),
    message: (data) => client.message(data),
    run: (onEvent, signal) =>
      client.run(async (event) => {
        try {
          await prepared;
        } catch (error) {
          if (event.type === 'SUBSCRIBED') return;
          if (event.type === 'LAUNCH') {
            const { taskId } = event.launch.task;
            await client.update({ taskId, state: 'TASK_FAILED', message: messageOf(error) });
          }
          throw error;
        }
        await onEvent(event);
      }, signal),
  };
}

/** Passes on each text but once, and null never. */
function onceEach(tell: (text: string) => void): (text: string | null) => void {
  const told = new Set<string>();
  return (text) => {
    if (text === null || told.has(text)) return;
    told.add(text);
    tell(text);
  };
}

/** JAVA_HOME's, or the first on PATH: later it is started with another PATH. */
function findJava({ JAVA_HOME: home, PATH: path = '' }: NodeJS.ProcessEnv): string {
  if (home) return join(home, 'bin', 'java');
  const candidates = path.split(delimiter).map((directory) => resolve(directory, 'java'));
  return candidates.find((candidate) => existsSync(candidate)) ?? 'java';
}
