import { OperatorError } from '../errors.ts';
import { checkBackupName } from '../model/backup-name.ts';
import type { BackupMode } from '../model/backup.ts';
import type { JobParameters } from '../model/cluster-job.ts';
import type { NodeMap } from '../model/foreign-backup.ts';
import type { GivenCredentials } from '../model/credentials.ts';
import type { JobType } from '../model/phase.ts';
import { isMember, type ClusterNode } from '../model/node.ts';

/** What an operator asks for; left out means the default. */
export interface StartRequest {
  name?: string | undefined;
  location?: string | undefined;
  keyspaces?: string[] | undefined;
  /** `keyspace.table` */
  tables?: string[] | undefined;
  /** Executor ids. */
  nodes?: string[] | undefined;
  strategy?: 'serial' | 'parallel' | undefined;
  /** Nodes at work at the same time; all of them when only strategy=parallel is said. */
  concurrency?: number | undefined;
  snapshot?: 'each' | 'together' | undefined;
  mode?: BackupMode | undefined;
  /** Read every file, whatever is known of it. */
  rehash?: boolean | undefined;
  /** Of a verification: read every byte. */
  deep?: boolean | undefined;
  /** Of a deletion: also the only whole backup. */
  force?: boolean | undefined;
  /** The rest as in JobParameters. */
  resume?: boolean | undefined;
  bandwidth?: number | undefined;
  clusterBandwidth?: number | undefined;
  names?: string[] | undefined;
  dryRun?: boolean | undefined;
  graceMs?: number | undefined;
  from?: string | undefined;
  to?: string | undefined;
  adoptFrom?: string | undefined;
  nodeMap?: NodeMap | undefined;
  schedule?: string | undefined;
  /** Of the store. Not kept with the job. */
  credentials?: GivenCredentials | undefined;
}

/** What is kept of a request as it is. */
const KEPT = [
  'deep',
  'force',
  'resume',
  'bandwidth',
  'clusterBandwidth',
  'names',
  'dryRun',
  'graceMs',
  'from',
  'to',
  'adoptFrom',
  'nodeMap',
  'schedule',
] as const satisfies readonly (keyof StartRequest & keyof JobParameters)[];

const BANDWIDTH = ['bandwidth', 'clusterBandwidth'] as const;
const AT_LOCATION = ['location', 'credentials'] as const;
const EVERYWHERE = ['nodes', 'strategy', 'concurrency'] as const;

/** What may be said of a job of each type. Truncation empties tables on all nodes, so a restore always covers them all. */
const FIELDS: Record<JobType, readonly (keyof StartRequest)[]> = {
  BACKUP: [
    'name',
    ...AT_LOCATION,
    'keyspaces',
    'tables',
    'snapshot',
    'mode',
    'rehash',
    'resume',
    'schedule',
    ...BANDWIDTH,
    ...EVERYWHERE,
  ],
  RESTORE: ['name', ...AT_LOCATION, 'keyspaces', 'tables', 'strategy', 'concurrency', ...BANDWIDTH],
  CLEANUP: ['keyspaces', ...EVERYWHERE],
  REPAIR: ['keyspaces', ...EVERYWHERE],
  RESTART: EVERYWHERE,
  REMOVE: ['nodes'],
  VERIFY: ['name', ...AT_LOCATION, 'deep'],
  DELETE: ['name', ...AT_LOCATION, 'force'],
  PRUNE: ['names', ...AT_LOCATION, 'schedule'],
  SWEEP: [...AT_LOCATION, 'graceMs', 'dryRun'],
  RENAME: [...AT_LOCATION, 'from', 'to', 'names', 'dryRun'],
  ADOPT: ['name', ...AT_LOCATION, 'adoptFrom', 'nodeMap', 'strategy', 'concurrency'],
};

/** The backup's name: checked, or for a backup made up from the time. Throws NAME_REQUIRED, NAME_INVALID. */
export function backupNameOf(type: JobType, request: StartRequest, now: number): string {
  if (request.name !== undefined) return checkBackupName(request.name);
  if (type === 'BACKUP') return `backup-${now}`;
  throw new OperatorError('NAME_REQUIRED', `Expected the name of the backup for a ${type.toLowerCase()}, got none`);
}

/** One spelling per location, so that a name is used once at it. */
export function locationOf(location: string): string {
  const [, place = location, options = ''] = /^([a-z][a-z0-9+.-]*:\/\/[^?]*)(\?.*)$/is.exec(location) ?? [];
  return place.replace(/(?<=[^/])\/+$/, '') + options;
}

/** Throws BAD_REQUEST for what makes no sense, NODE_DOWN when the cluster has no node. */
export function parametersOf(type: JobType, request: StartRequest, allNodes: ClusterNode[]): JobParameters {
  checkFields(type, request);
  const nodes = allNodes.filter(isMember);
  if (nodes.length === 0) {
    throw new OperatorError('NODE_DOWN', `Expected a cluster with nodes for a ${type.toLowerCase()}, it has none yet`, {
      hint: 'Wait until /node/all lists nodes.',
    });
  }
  const known = new Set(nodes.map(({ executorId }) => executorId));
  const unknown = (request.nodes ?? []).filter((executorId) => !known.has(executorId));
  if (unknown.length > 0) {
    throw new OperatorError('BAD_REQUEST', `Expected nodes of this cluster, got ${unknown.join(', ')}`, {
      hint: `It has ${[...known].join(', ')}.`,
    });
  }
  const tables = someOf('tables', request.tables);
  const nameless = tables?.find((name) => !/^\w+\.\w+$/.test(name));
  if (nameless !== undefined) {
    throw new OperatorError('BAD_REQUEST', `Expected tables as keyspace.table, got ${JSON.stringify(nameless)}`);
  }
  return {
    keyspaces: someOf('keyspaces', request.keyspaces),
    tables,
    nodes: someOf('nodes', request.nodes),
    ...paceOf(type, request, nodes.length),
    snapshot: request.snapshot ?? 'each',
    ...(type === 'BACKUP' ? { mode: request.mode ?? 'incremental', rehash: request.rehash ?? false } : {}),
    ...(request.credentials === undefined ? {} : { credentials: 'request' as const }),
    ...Object.fromEntries(KEPT.flatMap((name) => (request[name] === undefined ? [] : [[name, request[name]]]))),
  };
}

function checkFields(type: JobType, request: StartRequest): void {
  const given = Object.entries(request).filter(([, value]) => value !== undefined);
  const senseless = given.map(([name]) => name).filter((name) => !(FIELDS[type] as readonly string[]).includes(name));
  if (senseless.length > 0) {
    throw new OperatorError('BAD_REQUEST', `Expected no ${senseless.join(', ')} for a ${type.toLowerCase()}`, {
      hint: `Of a ${type.toLowerCase()} these can be said: ${FIELDS[type].join(', ')}.`,
    });
  }
  if (type === 'REMOVE' && request.nodes?.length !== 1) {
    throw new OperatorError('BAD_REQUEST', `Expected one node to remove, got ${request.nodes?.length ?? 0}`);
  }
}

function paceOf(type: JobType, { strategy, concurrency }: StartRequest, nodeCount: number) {
  if (concurrency !== undefined && (!Number.isSafeInteger(concurrency) || concurrency < 1)) {
    throw new OperatorError('BAD_REQUEST', `Expected a concurrency of 1 or more nodes, got ${concurrency}`);
  }
  if (type === 'RESTART' && strategy === 'parallel' && concurrency === undefined) {
    throw new OperatorError('BAD_REQUEST', 'Expected with strategy=parallel how many nodes may be down at once', {
      hint: 'Say concurrency as well, or leave out the strategy: one node after the other.',
    });
  }
  if (strategy === 'parallel') return { strategy, concurrency: Math.min(concurrency ?? nodeCount, nodeCount) };
  if (concurrency === undefined || concurrency === 1) return { strategy: 'serial', concurrency: 1 } as const;
  throw new OperatorError('BAD_REQUEST', `Expected concurrency 1 with strategy=serial, got ${concurrency}`, {
    hint: 'Add strategy=parallel.',
  });
}

function someOf(name: string, values: string[] | undefined): string[] | null {
  if (values === undefined) return null;
  if (values.length > 0) return [...new Set(values)];
  throw new OperatorError('BAD_REQUEST', `Expected one or more ${name}, got none`, {
    hint: `Leave ${name} out for all of them.`,
  });
}
