import { checkBackupName } from '../../model/backup-name.ts';
import type { ApiDeps } from '../deps.ts';
import { flagParam } from '../params.ts';
import { jsonRoute, type Route } from '../route.ts';
import { LOCATION } from './jobs.ts';

const FLAG = flagParam().optional();

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
    jsonRoute('POST', '/cluster/backups/:name/verify', { deep: FLAG, ...LOCATION }, async ({ params, path }) => {
      const { id } = await deps.jobs.start('VERIFY', { ...params, name: checkBackupName(path['name'] ?? '') });
      return { started: true, job: id };
    }),
    jsonRoute('DELETE', '/cluster/backups/:name', { force: FLAG, ...LOCATION }, async ({ params, path }) => {
      const name = checkBackupName(path['name'] ?? '');
      if (!params.force) await deps.backups.checkNotOnlyWhole(name, params.location);
      const { id } = await deps.jobs.start('DELETE', { ...params, name });
      return { started: true, job: id };
    }),
  ];
}
