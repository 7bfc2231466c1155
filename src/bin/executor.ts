import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import { cassandraServers } from '../executor/cassandra-server.ts';
import { Executor } from '../executor/executor.ts';
import { createLogger } from '../log.ts';
import { MesosExecutorClient } from '../mesos/executor-client.ts';
import { readExecutorEnvironment } from '../mesos/executor-environment.ts';
import { createCopyPool } from '../storage/copy-pool.ts';
import { openStorage } from '../storage/open.ts';

/** Runs one node's executor, as a Mesos agent starts it, until it is shut down or the agent is lost for good. */
export async function runExecutor(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const { sandbox, shutdownGracePeriodMs, ...agent } = readExecutorEnvironment(env);
  const log = createLogger('executor', env['LOG_LEVEL'] ?? 'info');
  const clock = systemClock;
  const pool = createCopyPool();
  const java = env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', 'java') : 'java';
  const executor = new Executor({
    client: new MesosExecutorClient({ ...agent, log, clock }),
    executorId: agent.executorId,
    startServer: cassandraServers({ clock, log, java, workDirectory: sandbox }),
    openStorage: (location, create) => openStorage(location, { pool, baseDirectory: sandbox, create }),
    pool,
    hostname: hostname(),
    clock,
    log,
    shutdownGracePeriodMs,
  });
  try {
    await executor.run(signal);
  } finally {
    await pool.close();
  }
}
