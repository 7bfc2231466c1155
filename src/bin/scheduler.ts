import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { Server } from 'node:http';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { accessPolicy } from '../api/access.ts';
import { createApi } from '../api/api.ts';
import { createApiServer } from '../api/server.ts';
import { systemClock } from '../clock.ts';
import { apiToken, backupLocation, schedulerSettings, warnings, type SchedulerOptions } from '../config.ts';
import { OperatorError, wrapError } from '../errors.ts';
import { ClusterJobs, type FoundBackup } from '../jobs/cluster-jobs.ts';
import { defaultLimits } from '../jobs/limits.ts';
import { createLogger, type Logger } from '../log.ts';
import { parseMasters } from '../mesos/masters.ts';
import { MesosSchedulerClient } from '../mesos/scheduler-client.ts';
import { frameworkName } from '../model/node.ts';
import { Ring } from '../scheduler/ring.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import type { SchedulerSettings } from '../scheduler/settings.ts';
import { openState, type State } from '../state/database.ts';
import { createCopyPool } from '../storage/copy-pool.ts';
import { findBackup } from '../storage/find-backup.ts';
import { locationDirectory, openStorage } from '../storage/open.ts';

const CAPABILITIES = ['PARTITION_AWARE', 'TASK_KILLING_STATE', 'MULTI_ROLE', 'RESERVATION_REFINEMENT', 'REGION_AWARE'];

/** Runs a scheduler until the signal aborts; throws what ended it before. */
export async function runScheduler(
  options: SchedulerOptions,
  executorCommand: string,
  signal: AbortSignal,
): Promise<void> {
  const log = createLogger('scheduler', options.logLevel);
  const policy = accessPolicy({ host: options.host, token: apiToken(process.env), insecure: options.insecure });
  const settings = schedulerSettings(options, executorCommand);
  for (const warning of warnings(options)) log.warn(warning);
  await mkdir(options.stateDirectory, { recursive: true });
  const state = openState(join(options.stateDirectory, 'scheduler.sqlite'));
  try {
    checkCluster(state, options.clusterName);
    await serve({ options, settings, policy, state, log }, signal);
  } finally {
    state.close();
  }
}

interface Parts {
  options: SchedulerOptions;
  settings: SchedulerSettings;
  policy: ReturnType<typeof accessPolicy>;
  state: State;
  log: Logger;
}

async function serve({ options, settings, policy, state, log }: Parts, signal: AbortSignal): Promise<void> {
  const clock = systemClock;
  // The API and the jobs wake the scheduler, which is made after them.
  const wake = (): void => scheduler.wake();
  const jobs = new ClusterJobs({
    state,
    clock,
    cluster: options.clusterName,
    defaultLocation: backupLocation(options.backupDirectory),
    wake,
    findBackup: (location, name) => lookForBackup(location, options.clusterName, name),
  });
  const client = createClient(options, state, log);
  const scheduler = new Scheduler({ client, state, jobs, settings, limits: defaultLimits, clock, log });
  const api = createApi({
    jobs,
    nodes: state.nodes,
    ring: new Ring({ state, wake }),
    offers: () => ({ offers: [], waiting: [] }),
    config: () => publicConfig(options, settings),
    cluster: {
      name: options.clusterName,
      frameworkName: frameworkName(options.clusterName),
      targetNodes: () => settings.nodeCount,
      seedCount: settings.seedCount,
    },
    frameworkId: () => state.framework.get('frameworkId'),
    wake,
    clock,
    log,
    startedAt: clock.now(),
    ...policy,
  });
  const server = createApiServer(api);
  await listen(server, options.host, options.port);
  try {
    await scheduler.run(signal);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw wrapError(`listen on ${host}:${port} for the REST API`, error, 'BAD_REQUEST');
  }
}

function createClient(options: SchedulerOptions, state: State, log: Logger): MesosSchedulerClient {
  const frameworkId = state.framework.get('frameworkId');
  return new MesosSchedulerClient({
    masters: parseMasters(options.master),
    frameworkInfo: {
      ...(frameworkId === null ? {} : { id: { value: frameworkId } }),
      user: options.user || userInfo().username,
      name: frameworkName(options.clusterName),
      failoverTimeout: options.failoverTimeout,
      checkpoint: true,
      roles: ['*'],
      capabilities: CAPABILITIES.map((type) => ({ type })),
      webuiUrl: `http://${options.host}:${options.port}/`,
    },
    log,
    clock: systemClock,
    backoff: { minMs: 500, maxMs: 10_000 },
  });
}

/** A state file belongs to one cluster: its nodes' data and its framework id are of that one. */
function checkCluster(state: State, cluster: string): void {
  const known = state.framework.get('clusterName');
  if (known !== null && known !== cluster) {
    throw new OperatorError(
      'BAD_REQUEST',
      `Expected --cluster-name ${known}, which this state belongs to, got ${cluster}`,
      { hint: 'Give another --state-directory (or --data) to another cluster.' },
    );
  }
  state.framework.set('clusterName', cluster);
}

/** Looks at a location when it can be seen from this host; a node's sandbox cannot. */
async function lookForBackup(location: string, cluster: string, name: string): Promise<FoundBackup> {
  if (!existsSync(locationDirectory(location, '/'))) return { state: 'UNKNOWN', message: null };
  const pool = createCopyPool(1);
  try {
    const storage = await openStorage(location, { pool, baseDirectory: '/', create: false });
    const { state, message } = await findBackup(storage, cluster, name);
    return { state, message };
  } finally {
    await pool.close();
  }
}

/** What `/config` shows: the effective configuration without anything secret. */
function publicConfig(options: SchedulerOptions, settings: SchedulerSettings): Record<string, unknown> {
  return {
    defaultConfigRole: {
      diskMb: settings.server.diskMb,
      cpuCores: settings.server.cpus,
      memJavaHeapMb: settings.heapMb,
      memAssumeOffHeapMb: settings.server.memMb - settings.heapMb,
      memMb: settings.server.memMb,
      rackDc: { rack: settings.rack, dc: settings.datacenter },
    },
    nativePort: settings.ports.native,
    storagePort: settings.ports.storage,
    healthCheckIntervalSeconds: settings.healthIntervalMs / 1000,
    backupDirectory: backupLocation(options.backupDirectory),
    dataDirectories: settings.dataDirectories,
    warnings: warnings(options),
  };
}
