import { z } from 'zod';
import { OperatorError } from '../../errors.ts';
import { jobJson } from '../../jobs/job-json.ts';
import { checkBackupName } from '../../model/backup-name.ts';
import type { ClusterJob } from '../../model/cluster-job.ts';
import type { JobType } from '../../model/phase.ts';
import type { ApiDeps } from '../deps.ts';
import { findNode } from '../find-node.ts';
import { choiceParam, countParam, flagParam, listParam } from '../params.ts';
import { jsonRoute, type Call, type Route } from '../route.ts';

const LOCATION = 'a location such as file:///backup, without .. and without a password';
/** No control characters, no `..` as part of a path, nothing before an @ in front of a host. */
const LOCATION_TEXT = /^(?!(?:.*\/)?\.\.(?:\/|$))(?!\w+:\/\/[^/]*@)[^\p{Cc}]{1,1024}$/u;

const RESTORE_START = {
  // Checked by checkBackupName, whose error has a code of its own.
  name: z.string({ error: 'a backup name' }).optional(),
  location: z.string({ error: LOCATION }).regex(LOCATION_TEXT, { error: LOCATION }).optional(),
  keyspaces: listParam(/^\w{1,48}$/, 'keyspaces').optional(),
  tables: listParam(/^\w{1,48}\.\w{1,222}$/, 'tables, each as keyspace.table').optional(),
  strategy: choiceParam(['serial', 'parallel']).optional(),
  concurrency: countParam().optional(),
};
const BACKUP_START = {
  ...RESTORE_START,
  nodes: listParam(/^[^\s/]{1,253}$/, 'nodes by executor id, hostname or ip').optional(),
  snapshot: choiceParam(['each', 'together']).optional(),
};

/** Backup and restore: start, abort, what runs, what ran last. */
export function jobRoutes(deps: ApiDeps, type: JobType): Route[] {
  const key = type === 'BACKUP' ? 'backup' : 'restore';
  const json = (job: ClusterJob | null) => (job === null ? null : jobJson(job, deps.nodes.all()));
  const start = (type === 'BACKUP' ? BACKUP_START : RESTORE_START) as typeof BACKUP_START;
  return [
    jsonRoute('POST', `/cluster/${key}/start`, start, async ({ params }) => {
      const job = await deps.jobs.start(type, startRequest(deps, type, params));
      return { started: true, name: job.backupName, job: job.id };
    }),
    jsonRoute('POST', `/cluster/${key}/abort`, { now: flagParam().default(false) }, ({ params }) => ({
      aborted: deps.jobs.abort(type, params.now),
    })),
    jsonRoute('GET', `/cluster/${key}/status`, {}, () => {
      const job = deps.jobs.running(type);
      return { running: job !== null, [key]: json(job) };
    }),
    jsonRoute('GET', `/cluster/${key}/last`, {}, () => {
      const job = deps.jobs.last(type);
      return { present: job !== null, [key]: json(job) };
    }),
  ];
}

/** Resolves nodes to executor ids. The name comes first: a bad one is said whatever else is wrong or running. */
function startRequest(deps: ApiDeps, type: JobType, params: Call<typeof BACKUP_START>['params']) {
  const { name, nodes } = params;
  if (name !== undefined) checkBackupName(name);
  else if (type === 'RESTORE') {
    throw new OperatorError('NAME_REQUIRED', 'Expected the name of the backup to restore, got none', {
      hint: 'Add ?name=<backup>.',
    });
  }
  if (nodes === undefined) return params;
  const all = deps.nodes.all();
  return { ...params, nodes: nodes.map((wanted) => findNode(all, wanted).executorId) };
}

/** All jobs that ever ran, newest first. */
export function historyRoutes(deps: ApiDeps): Route[] {
  return [
    jsonRoute('GET', '/cluster/jobs', { limit: countParam().default(100) }, ({ params }) => {
      const nodes = deps.nodes.all();
      return { jobs: deps.jobs.list(params.limit).map((job) => jobJson(job, nodes)) };
    }),
    jsonRoute('GET', '/cluster/jobs/:id', {}, ({ path }) => {
      const id = path['id'] ?? '';
      const job = /^\d{1,15}$/.test(id) ? deps.jobs.get(Number(id)) : null;
      if (job !== null) return jobJson(job, deps.nodes.all());
      throw new OperatorError('NOT_FOUND', `Expected the number of a cluster job, got ${JSON.stringify(id)}`, {
        hint: 'GET /cluster/jobs lists them.',
      });
    }),
  ];
}
