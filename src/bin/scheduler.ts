import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { accessPolicy } from '../api/access.ts';
import { createApi } from '../api/api.ts';
import { createApiServer } from '../api/server.ts';
import { servedFiles, type Artifacts } from '../artifacts/artifacts.ts';
import { artifactBase, unreachableBase } from '../artifacts/base-url.ts';
import { executorLaunch } from '../artifacts/launch.ts';
import { prepareArtifacts } from '../artifacts/prepare.ts';
import { systemClock } from '../clock.ts';
import { EXECUTOR_BUNDLE, type SchedulerOptions } from '../config/options.ts';
import { backupLocation, schedulerSettings, warnings, type ExecutorLaunch } from '../config/settings.ts';
import { OperatorError, wrapError } from '../errors.ts';
import { BackupCatalogue } from '../jobs/backup-catalogue.ts';
import { ClusterJobs } from '../jobs/cluster-jobs.ts';
import { defaultLimits } from '../jobs/limits.ts';
import { ScheduleRunner } from '../jobs/schedule-runner.ts';
import { createLogger, type Logger } from '../log.ts';
import { CA_VARIABLE } from '../mesos/executor-environment.ts';
import { parseMasters } from '../mesos/masters.ts';
import { MesosSchedulerClient } from '../mesos/scheduler-client.ts';
import { frameworkName, isMember } from '../model/node.ts';
import { ExternalSeeds, type ExternalDc } from '../scheduler/external-seeds.ts';
import { forgetFramework } from '../scheduler/framework-id.ts';
import type { SchedulerContext } from '../scheduler/context.ts';
import { LastOffers } from '../scheduler/last-offers.ts';
import { currentNeeds, waitingNeeds } from '../scheduler/needs.ts';
import { Ring } from '../scheduler/ring.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import { openState, type State } from '../state/database.ts';
import { BackupLocations } from './backup-locations.ts';
import { EXECUTOR_NODE_OPTIONS, launchOnAgents } from './launch-on-agents.ts';
import { publicConfig } from './public-config.ts';

const CAPABILITIES = ['PARTITION_AWARE', 'TASK_KILLING_STATE', 'MULTI_ROLE', 'RESERVATION_REFINEMENT', 'REGION_AWARE'];

/** How a scheduler was started. */
export interface SchedulerStart {
  options: SchedulerOptions;
  /** Of variables that have no effect. */
  environmentWarnings: string[];
  externalDcs: ExternalDc[];
  /** Bearer token of the REST API. */
  token: string | null;
  /** Of the principal. */
  mesosSecret: string | null;
  /** How this very program is started as an executor. */
  executorCommandLine: string[];
}

/** Runs a scheduler until the signal aborts; throws what ended it before. */
export async function runScheduler(start: SchedulerStart, signal: AbortSignal): Promise<void> {
  const { options } = start;
  const log = createLogger('scheduler', options.logLevel);
  const clientOptions = await mesosOptions(start);
  const policy = accessPolicy({ host: options.host, token: start.token, insecure: options.insecure });
  for (const warning of [...start.environmentWarnings, ...warnings(options)]) log.warn(warning);
  await mkdir(options.stateDirectory, { recursive: true });
  const state = openState(join(options.stateDirectory, 'scheduler.sqlite'));
  try {
    checkCluster(state, options.clusterName);
    if (options.forgetFramework) forgetRemoved(state, log);
    await serve({ start, clientOptions, policy, state, log }, signal).catch((error: unknown) => {
      if (error instanceof OperatorError && error.code === 'FRAMEWORK_REMOVED') markRemoved(state);
      throw error;
    });
  } finally {
    state.close();
  }
}

const REMOVED = 'removedFramework';

function markRemoved(state: State): void {
  const id = state.framework.get('frameworkId');
  if (id !== null) state.framework.set(REMOVED, id);
}

/** Only what the master is known to have removed: the flag may be left in a start script, and tasks of a living framework would be orphans. */
function forgetRemoved(state: State, log: Logger): void {
  const id = state.framework.get('frameworkId');
  if (id !== null && state.framework.get(REMOVED) === id) forgetFramework(state);
  else log.warn({ frameworkId: id }, '--forget-framework has no effect: the master has not removed this framework');
}

interface Parts {
  start: SchedulerStart;
  clientOptions: Awaited<ReturnType<typeof mesosOptions>>;
  policy: ReturnType<typeof accessPolicy>;
  state: State;
  log: Logger;
}

async function serve({ start, clientOptions, policy, state, log }: Parts, signal: AbortSignal): Promise<void> {
  const { options } = start;
  const clock = systemClock;
  const artifacts = options.executorOnAgents ? null : await artifactsOf(options);
  const variables = executorVariables(options, clientOptions.ca);
  const onAgents = launchOnAgents(options, start.executorCommandLine);
  const settings = schedulerSettings(options, withVariables(onAgents, variables));
  const externalSeeds = new ExternalSeeds(start.externalDcs, clock, log);
  const client = new MesosSchedulerClient({
    ...clientOptions,
    frameworkInfo: frameworkInfo(options, state),
    suppressed: (): boolean => currentNeeds({ state, jobs, clock }).length === 0,
    log,
    clock,
  });
  // The API and the jobs wake the scheduler, which is made after them.
  const wake = (): void => scheduler.wake();
  const locations = new BackupLocations(options.clusterName);
  const defaultLocation = backupLocation(options.backupDirectory);
  const jobs = new ClusterJobs({
    state,
    clock,
    cluster: options.clusterName,
    defaultLocation,
    wake,
    findBackup: (location, name) => locations.find(location, name),
  });
  const backups = new BackupCatalogue({ state, clock, defaultLocation, reader: locations });
  const lastOffers = new LastOffers(clock);
  const context = { client, state, jobs, settings, lastOffers, externalSeeds, limits: defaultLimits, clock, log };
  const scheduler = new Scheduler(context);
  const api = createApi({ ...apiDeps(options, context, wake), backups, artifacts: served(artifacts), ...policy });
  const server = createApiServer(api);
  const port = await listen(server, options.host, options.port);
  // Where agents are to fetch from is known now; nothing is launched before.
  if (artifacts !== null) {
    Object.assign(settings, withVariables(launchFetched(options, artifacts, port, log), variables));
  }
  const ended = new AbortController();
  try {
    void rescan(backups, log);
    const either = AbortSignal.any([signal, ended.signal]);
    const schedules = new ScheduleRunner({ state, jobs, backups, clock, log });
    await Promise.all([
      scheduler.run(signal).finally(() => ended.abort()),
      externalSeeds.run(either),
      schedules.run(either),
    ]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** A scheduler that lost its state finds its backups again. Nothing waits for it: a location may be slow, or hang. */
async function rescan(backups: BackupCatalogue, log: Logger): Promise<void> {
  try {
    for (const found of await backups.rescan()) log.info(found, 'backups found at location');
  } catch (error) {
    log.warn({ err: error }, 'looking for backups failed');
  }
}

function apiDeps(options: SchedulerOptions, context: SchedulerContext, wake: () => void) {
  const { state, jobs, settings, lastOffers, clock, log } = context;
  return {
    jobs,
    nodes: state.nodes,
    state,
    ring: new Ring({ state, wake }),
    offers: () => ({ offers: lastOffers.offers(), waiting: waitingNeeds(context) }),
    config: () => publicConfig(options, settings, state.nodes.all()),
    cluster: {
      name: options.clusterName,
      frameworkName: frameworkName(options.clusterName),
      targetNodes: () => state.nodes.all().filter(isMember).length,
      seedCount: settings.seedCount,
    },
    frameworkId: () => state.framework.get('frameworkId'),
    wake,
    clock,
    log,
    startedAt: clock.now(),
  };
}

const served = (artifacts: Artifacts | null) => (artifacts === null ? [] : servedFiles(artifacts));

/** What every executor is told, however it is started. */
function executorVariables({ logLevel }: SchedulerOptions, ca: string | undefined): Record<string, string> {
  return { LOG_LEVEL: logLevel, ...(ca === undefined ? {} : { [CA_VARIABLE]: ca }) };
}

function withVariables(launch: ExecutorLaunch, variables: Record<string, string>): ExecutorLaunch {
  return { ...launch, executorEnvironment: { ...variables, ...launch.executorEnvironment } };
}

function artifactsOf(options: SchedulerOptions): Promise<Artifacts> {
  const { stateDirectory, cassandra, executorUri, nodeUri, cassandraUri, javaUri } = options;
  const uris = { executorUri, nodeUri, cassandraUri, javaUri };
  return prepareArtifacts({
    stateDirectory,
    executorBundle: EXECUTOR_BUNDLE,
    nodeBinary: process.execPath,
    cassandra,
    ...uris,
  });
}

function launchFetched(options: SchedulerOptions, artifacts: Artifacts, port: number, log: Logger): ExecutorLaunch {
  const { host, advertiseUrl: advertised, master, javaHome } = options;
  const baseUrl = artifactBase({ host, port, advertised, hostname: hostname() });
  if (options.nodeUri === undefined && (process.config.variables as { node_shared?: unknown }).node_shared) {
    log.warn('This Node needs its libnode.so, which agents do not have: give a complete binary with --node-uri.');
  }
  const unreachable = served(artifacts).length > 0 ? unreachableBase(baseUrl, master) : null;
  if (unreachable !== null) log.warn(unreachable);
  return executorLaunch({ baseUrl, artifacts, javaHome: javaHome ?? null, nodeOptions: EXECUTOR_NODE_OPTIONS });
}

/** Returns the port. */
async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw wrapError(`listen on ${host}:${port} for the REST API`, error, 'BAD_REQUEST');
  }
  return (server.address() as AddressInfo).port;
}

/** What is to be refused before anything is opened. */
async function mesosOptions({ options, mesosSecret }: SchedulerStart) {
  const { master, principal, mesosCaFile } = options;
  if (principal === undefined && mesosSecret !== null) {
    throw new OperatorError('BAD_REQUEST', 'Expected --principal (MESOS_PRINCIPAL) for MESOS_SECRET, got none');
  }
  return {
    masters: parseMasters(master),
    backoff: { minMs: 500, maxMs: 10_000 },
    ...(principal === undefined || mesosSecret === null ? {} : { credential: { principal, secret: mesosSecret } }),
    ...(mesosCaFile === undefined ? {} : { ca: await readCa(mesosCaFile) }),
  };
}

async function readCa(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw wrapError(`read --mesos-ca-file ${file}`, error, 'BAD_REQUEST');
  }
}

/** The user id of a container may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch (error) {
    throw new OperatorError('BAD_REQUEST', 'Expected a user for the tasks, and the one that runs this has no name', {
      cause: error,
      hint: 'Give --user (MESOS_USER).',
    });
  }
}

function frameworkInfo(options: SchedulerOptions, state: State) {
  const id = state.framework.get('frameworkId');
  const { principal, advertiseUrl: advertised, host, port } = options;
  return {
    ...(id === null ? {} : { id: { value: id } }),
    user: options.user || userName(),
    name: frameworkName(options.clusterName),
    failoverTimeout: options.failoverTimeout,
    checkpoint: true,
    roles: [options.role],
    capabilities: CAPABILITIES.map((type) => ({ type })),
    webuiUrl: `${artifactBase({ host, port, advertised, hostname: hostname() })}/`,
    ...(principal === undefined ? {} : { principal }),
  };
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
