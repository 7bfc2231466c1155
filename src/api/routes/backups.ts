import { z } from 'zod';
import { planPruning, startPruning, type PruningPlan } from '../../jobs/pruning.ts';
import { checkBackupName } from '../../model/backup-name.ts';
import type { RetentionPolicy } from '../../model/retention.ts';
import type { ApiDeps } from '../deps.ts';
import { countParam, durationParam, flagParam } from '../params.ts';
import { jsonRoute, type Call, type Route } from '../route.ts';
import { AT_LOCATION, LOCATION } from './jobs.ts';

const FLAG = flagParam().optional();

const EXECUTOR_ID = 'an executor id, as /node/all has them';
const RENAME = {
  from: z.string({ error: EXECUTOR_ID }).regex(/^[\w.-]{1,255}$/, { error: EXECUTOR_ID }),
  to: z.string({ error: EXECUTOR_ID }).regex(/^[\w.-]{1,255}$/, { error: EXECUTOR_ID }),
  name: z.string({ error: 'a backup name' }).optional(),
  dryRun: FLAG,
  ...AT_LOCATION,
};

const SWEEP = { grace: durationParam().optional(), dryRun: FLAG, ...AT_LOCATION };

/** Which backups stay; see model/retention.ts. */
export const POLICY = {
  keepLast: countParam().optional(),
  keepDaily: countParam().optional(),
  keepWeekly: countParam().optional(),
  keepMonthly: countParam().optional(),
  minAge: durationParam().optional(),
  timeZone: z.string({ error: 'a time zone such as Europe/Berlin' }).default('UTC'),
};

/** The catalogue, and what is done with one backup of it. Both acts are cluster jobs. */
export function backupRoutes(deps: ApiDeps): Route[] {
  return [
    jsonRoute('GET', '/cluster/backups', LOCATION, async ({ params }) => ({
      backups: await deps.backups.list(params.location),
    })),
    jsonRoute('GET', '/cluster/backups/:name', LOCATION, ({ params, path }) =>
      deps.backups.get(path['name'] ?? '', params.location),
    ),
    jsonRoute('POST', '/cluster/backups/rescan', LOCATION, async ({ params }) => ({
      locations: await deps.backups.rescan(params.location),
    })),
    jsonRoute('POST', '/cluster/backups/rename-executor', RENAME, async ({ params: { name, ...params } }) => {
      const names = name === undefined ? {} : { names: [checkBackupName(name)] };
      const { id } = await deps.jobs.start('RENAME', { ...params, ...names });
      return { started: true, job: id };
    }),
    jsonRoute('POST', '/cluster/backups/prune', { ...POLICY, ...AT_LOCATION, dryRun: FLAG }, ({ params }) =>
      prune(deps, params),
    ),
    jsonRoute('POST', '/cluster/backups/sweep', SWEEP, async ({ params: { grace: graceMs, ...params } }) => {
      const { id } = await deps.jobs.start('SWEEP', { ...params, graceMs });
      return { started: true, job: id };
    }),
    jsonRoute('POST', '/cluster/backups/:name/verify', { deep: FLAG, ...AT_LOCATION }, async ({ params, path }) => {
      const { id } = await deps.jobs.start('VERIFY', { ...params, name: checkBackupName(path['name'] ?? '') });
      return { started: true, job: id };
    }),
    jsonRoute('DELETE', '/cluster/backups/:name', { force: FLAG, ...AT_LOCATION }, async ({ params, path }) => {
      const name = checkBackupName(path['name'] ?? '');
      if (!params.force) await deps.backups.checkNotOnlyWhole(name, params.location, params.credentials);
      const { id } = await deps.jobs.start('DELETE', { ...params, name });
      return { started: true, job: id };
    }),
  ];
}

type PruneParams = Call<typeof POLICY & typeof AT_LOCATION & { dryRun: typeof FLAG }>['params'];

async function prune(deps: ApiDeps, { dryRun = false, location, credentials, ...params }: PruneParams) {
  const policy = policyOf(params);
  const pruning = { backups: deps.backups, jobs: deps.jobs, now: () => deps.clock.now() };
  if (dryRun) return { dryRun, ...told(await planPruning(pruning, policy, { location, credentials })) };
  const { plan, job } = await startPruning(pruning, policy, { location, credentials });
  return { started: job !== null, ...(job === null ? {} : { job: job.id }), ...told(plan) };
}

export function policyOf({
  minAge,
  ...rules
}: Omit<PruneParams, 'dryRun' | keyof typeof AT_LOCATION>): RetentionPolicy {
  const { timeZone, ...counts } = rules;
  const given = Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined));
  return { ...given, ...(minAge === undefined ? {} : { minAgeMs: minAge }), timeZone };
}

function told(plan: PruningPlan) {
  return {
    keep: plan.keep,
    delete: plan.delete.map(({ name, state, bytes, bytesOwn }) => ({ name, state, bytes, bytesOwn })),
  };
}
