import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { hostname } from 'node:os';
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
import type { WebhookTarget } from '../config/secrets.ts';
import { backupLocation, schedulerSettings, warnings, type ExecutorLaunch } from '../config/settings.ts';
import { OperatorError, wrapError } from '../errors.ts';
import { BackupCatalogue } from '../jobs/backup-catalogue.ts';
import { ClusterJobs } from '../jobs/cluster-jobs.ts';
import { defaultLimits } from '../jobs/limits.ts';
import { ScheduleRunner } from '../jobs/schedule-runner.ts';
import { createLogger, type Logger } from '../log.ts';
import { CA_VARIABLE } from '../mesos/executor-environment.ts';
import { countedClient } from '../metrics/counted-client.ts';
import { Metrics } from '../metrics/metrics.ts';
import { frameworkName, isMember } from '../model/node.ts';
import { ExternalSeeds, type ExternalDc } from '../scheduler/external-seeds.ts';
import { forgetFramework } from '../scheduler/framework-id.ts';
import type { SchedulerContext } from '../scheduler/context.ts';
import { LastOffers } from '../scheduler/last-offers.ts';
import { currentNeeds, waitingNeeds } from '../scheduler/needs.ts';
import { Ring } from '../scheduler/ring.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import { openState, type State } from '../state/database.ts';
import { checkLocation } from '../storage/open.ts';
import { BackupLocations } from './backup-locations.ts';
import { EXECUTOR_NODE_OPTIONS, EXECUTOR_VARIABLES, launchOnAgents } from './launch-on-agents.ts';
import { mesosClient, mesosOptions } from './mesos-client.ts';
import { noteEnds, observe } from './observe.ts';
import { publicConfig } from './public-config.ts';

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
  /** Who is told of the end of each job; null: nobody. */
  webhook: WebhookTarget | null;
  /** How this very program is started as an executor. */
  executorCommandLine: string[];
}

/** Runs a scheduler until the signal aborts; throws what ended it before. */
export async function runScheduler(start: SchedulerStart, signal: AbortSignal): Promise<void> {
  const { options } = start;
  const log = createLogger('scheduler', options.logLevel);
  const clientOptions = await mesosOptions(start);
  const policy = accessPolicy({ host: options.host, token: start.token, insecure: options.insecure });
  checkBackupDirectory(options);
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

/** Throws BAD_REQUEST for what no node could open. */
function checkBackupDirectory({ backupDirectory }: SchedulerOptions): void {
  try {
    checkLocation(backupLocation(backupDirectory));
  } catch (error) {
    throw wrapError('read --backup-directory', error, 'BAD_REQUEST');
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

async function serve(parts: Parts, signal: AbortSignal): Promise<void> {
  const { start, clientOptions, policy, state, log } = parts;
  const { options } = start;
  const clock = systemClock;
  const artifacts = options.executorOnAgents ? null : await artifactsOf(options);
  const variables = executorVariables(options, clientOptions.ca);
  const onAgents = launchOnAgents(options, start.executorCommandLine);
  const settings = schedulerSettings(options, withVariables(onAgents, variables));
  const externalSeeds = new ExternalSeeds(start.externalDcs, clock, log);
  const metrics = new Metrics();
  const nothingNeeded = (): boolean => currentNeeds({ state, jobs, clock }).length === 0;
  const client = countedClient(mesosClient(parts, nothingNeeded), metrics.mesos);
  // The API and the jobs wake the scheduler, which is made after them.
  const wake = (): void => scheduler.wake();
  const locations = new BackupLocations(options.clusterName, signal, (at) => state.backups.summaries(at));
  const defaultLocation = backupLocation(options.backupDirectory);
  const jobs = new ClusterJobs({
    state,
    clock,
    cluster: options.clusterName,
    defaultLocation,
    wake,
    findBackup: (location, name, given) => locations.find(location, name, given),
    checkLocation,
    ...noteEnds(start, state, clock),
  });
  const backups = new BackupCatalogue({ state, clock, defaultLocation, reader: locations });
  const lastOffers = new LastOffers(clock);
  const context = { client, state, jobs, settings, lastOffers, externalSeeds, limits: defaultLimits, clock, log };
  const scheduler = new Scheduler(context);
  const observing = observe({ context, metrics, webhook: start.webhook });
  const shown = { ...shownLocations(locations, defaultLocation), backups, metrics: () => metrics.render() };
  const api = createApi({ ...apiDeps(options, context, wake), ...shown, artifacts: served(artifacts), ...policy });
  const server = createApiServer(api);
  const port = await listen(server, options.host, options.port);
  // Where agents are to fetch from is known now; nothing is launched before.
  if (artifacts !== null) {
    Object.assign(settings, withVariables(launchFetched(options, artifacts, port, log), variables));
  }
  const schedules = new ScheduleRunner({ state, jobs, backups, clock, log });
  try {
    void rescan(backups, log);
    await runTogether(
      scheduler,
      [(until) => externalSeeds.run(until), (until) => schedules.run(until), observing],
      signal,
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Runs the scheduler until the signal aborts or it fails, and as long as it runs the others. */
async function runTogether(
  scheduler: Scheduler,
  others: ((until: AbortSignal) => Promise<void>)[],
  signal: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  await Promise.all([scheduler.run(signal).finally(() => ended.abort()), ...others.map((run) => run(until))]);
}

const shownLocations = (locations: BackupLocations, defaultLocation: string) => ({
  checkLocation: (location = defaultLocation) => locations.check(location),
});

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
  return { ...EXECUTOR_VARIABLES, LOG_LEVEL: logLevel, ...(ca === undefined ? {} : { [CA_VARIABLE]: ca }) };
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
