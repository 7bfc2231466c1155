import { z } from 'zod';
import { OperatorError } from '../../errors.ts';
import { jobJson } from '../../jobs/job-json.ts';
import { checkBackupName } from '../../model/backup-name.ts';
import type { ClusterJob } from '../../model/cluster-job.ts';
import { isMember } from '../../model/node.ts';
import type { JobType } from '../../model/phase.ts';
import { hasSecret } from '../../model/secret-in-location.ts';
import type { ApiDeps } from '../deps.ts';
import { findJob } from '../find-job.ts';
import { findNode } from '../find-node.ts';
import { choiceParam, countParam, credentialsParam, flagParam, listParam } from '../params.ts';
import { jsonRoute, type Call, type Route } from '../route.ts';
import { bandwidthParam } from './bandwidth.ts';

const LOCATION_WORDS =
  'a location such as file:///backup or s3://bucket/prefix, without .. and without a password or key';
/** No control characters, no `..` as part of a path, nothing before an @ in front of a host. */
const LOCATION_TEXT = /^(?!(?:.*\/)?\.\.(?:\/|$))(?!\w+:\/\/[^/]*@)[^\p{Cc}]{1,1024}$/u;

/** Where backups lie. */
export const LOCATION = {
  location: z
    .string({ error: LOCATION_WORDS })
    .regex(LOCATION_TEXT, { error: LOCATION_WORDS })
    .refine((location) => !hasSecret(location), { error: LOCATION_WORDS })
    .optional(),
};

/** Where a job works, and with whose right. */
export const AT_LOCATION = { ...LOCATION, credentials: credentialsParam().optional() };

const KEYSPACES = { keyspaces: listParam(/^\w{1,48}$/, 'keyspaces').optional() };
const PACE = {
  strategy: choiceParam(['serial', 'parallel']).optional(),
  concurrency: countParam().optional(),
};
const EVERYWHERE = { nodes: listParam(/^[^\s/]{1,253}$/, 'nodes by executor id, hostname or ip').optional(), ...PACE };
const RESTORE_START = {
  // Checked by checkBackupName, whose error has a code of its own.
  name: z.string({ error: 'a backup name' }).optional(),
  ...AT_LOCATION,
  ...KEYSPACES,
  tables: listParam(/^\w{1,48}\.\w{1,222}$/, 'tables, each as keyspace.table').optional(),
  ...PACE,
  bandwidth: bandwidthParam().optional(),
  clusterBandwidth: bandwidthParam().optional(),
};
/** What a backup may be asked for. */
export const BACKUP_START = {
  ...RESTORE_START,
  ...EVERYWHERE,
  snapshot: choiceParam(['each', 'together']).optional(),
  mode: choiceParam(['incremental', 'full']).optional(),
  rehash: flagParam().optional(),
  resume: flagParam().optional(),
};

/** What `start` of any kind may be given; what a kind does not take is never there. */
type StartParams = Call<typeof BACKUP_START>['params'];

interface JobKind {
  type: JobType;
  /** Below /cluster/. */
  path: string;
  /** The job's field in the answers of `status` and `last`; the forerunner's words. */
  key: string;
  /** Null: started elsewhere. */
  start: Partial<typeof BACKUP_START> | null;
}

const KINDS: JobKind[] = [
  { type: 'BACKUP', path: 'backup', key: 'backup', start: BACKUP_START },
  { type: 'RESTORE', path: 'restore', key: 'restore', start: RESTORE_START },
  { type: 'CLEANUP', path: 'cleanup', key: 'cleanup', start: { ...KEYSPACES, ...EVERYWHERE } },
  { type: 'REPAIR', path: 'repair', key: 'repair', start: { ...KEYSPACES, ...EVERYWHERE } },
  { type: 'RESTART', path: 'rolling-restart', key: 'clusterRestart', start: EVERYWHERE },
  { type: 'REMOVE', path: 'remove', key: 'remove', start: null },
  { type: 'VERIFY', path: 'verify', key: 'verify', start: null },
  { type: 'DELETE', path: 'delete', key: 'delete', start: null },
  { type: 'PRUNE', path: 'prune', key: 'prune', start: null },
  { type: 'SWEEP', path: 'sweep', key: 'sweep', start: null },
  { type: 'RENAME', path: 'rename', key: 'rename', start: null },
  { type: 'ADOPT', path: 'adopt', key: 'adopt', start: null },
];

/** Every kind of cluster job: start, abort, what runs, what ran last. */
export function jobRoutes(deps: ApiDeps): Route[] {
  return KINDS.flatMap((kind) => kindRoutes(deps, kind));
}

function kindRoutes(deps: ApiDeps, { type, path, key, start }: JobKind): Route[] {
  const json = (job: ClusterJob | null) => (job === null ? null : jobJson(job, deps.nodes.all()));
  const startRoute = (shape: Partial<typeof BACKUP_START>) =>
    jsonRoute('POST', `/cluster/${path}/start`, shape as typeof BACKUP_START, async ({ params }) => {
      const { backupName, id } = await deps.jobs.start(type, startRequest(deps, type, params));
      return { started: true, ...(backupName === null ? {} : { name: backupName }), job: id };
    });
  return [
    ...(start === null ? [] : [startRoute(start)]),
    jsonRoute('POST', `/cluster/${path}/abort`, { now: flagParam().default(false) }, ({ params }) => ({
      aborted: deps.jobs.abort(type, params.now),
    })),
    jsonRoute('GET', `/cluster/${path}/status`, {}, () => {
      const job = deps.jobs.running(type);
      return { running: job !== null, [key]: json(job) };
    }),
    jsonRoute('GET', `/cluster/${path}/last`, {}, () => {
      const job = deps.jobs.last(type);
      return { present: job !== null, [key]: json(job) };
    }),
  ];
}

/** Resolves nodes to executor ids. The name comes first: a bad one is said whatever else is wrong or running. */
function startRequest(deps: ApiDeps, type: JobType, params: StartParams) {
  const { name, nodes } = params;
  if (name !== undefined) checkBackupName(name);
  else if (type === 'RESTORE') {
    throw new OperatorError('NAME_REQUIRED', 'Expected the name of the backup to restore, got none', {
      hint: 'Add ?name=<backup>.',
    });
  }
  return nodes === undefined ? params : { ...params, nodes: executorIdsOf(deps, nodes) };
}

/** Of members by executor id, hostname or ip. */
export function executorIdsOf(deps: Pick<ApiDeps, 'nodes'>, wanted: string[]): string[] {
  const members = deps.nodes.all().filter(isMember);
  return wanted.map((node) => findNode(members, node).executorId);
}

/** All jobs that ever ran, newest first. */
export function historyRoutes(deps: ApiDeps): Route[] {
  return [
    jsonRoute('GET', '/cluster/jobs', { limit: countParam().default(100) }, ({ params }) => {
      const nodes = deps.nodes.all();
      return { jobs: deps.jobs.list(params.limit).map((job) => jobJson(job, nodes)) };
    }),
    jsonRoute('GET', '/cluster/jobs/:id', {}, ({ path }) =>
      jobJson(findJob(deps.jobs, path['id'] ?? ''), deps.nodes.all()),
    ),
  ];
}
