import { z } from 'zod';
import { checkIsForeign } from '../../jobs/adoption.ts';
import type { ApiDeps } from '../deps.ts';
import { choiceParam, countParam } from '../params.ts';
import { jsonRoute, type Route } from '../route.ts';
import { LOCATION } from './jobs.ts';

const FOLDER_WORDS = 'the name of one folder of the location';

const ADOPT = {
  // Checked by checkBackupName, whose error has a code of its own.
  name: z.string({ error: 'a backup name' }).optional(),
  from: z
    .string({ error: FOLDER_WORDS })
    .regex(/^(?!\.{1,2}$)[^\p{Cc}/\\]{1,255}$/u, { error: FOLDER_WORDS })
    .optional(),
  ...LOCATION,
  strategy: choiceParam(['serial', 'parallel']).optional(),
  concurrency: countParam().optional(),
};

/** What other programs have made, and how it becomes a backup of ours. To come before the routes of backups by name. */
export function adoptionRoutes(deps: ApiDeps): Route[] {
  return [
    jsonRoute('GET', '/cluster/backups/foreign', LOCATION, ({ params }) => deps.backups.foreign(params.location)),
    jsonRoute('POST', '/cluster/backups/adopt', ADOPT, async ({ params: { from, ...params } }) => {
      const { name, location } = params;
      if (name !== undefined) await checkIsForeign(deps.backups, deps.cluster.name, { name, from, location });
      const { id, backupName } = await deps.jobs.start('ADOPT', { ...params, adoptFrom: from });
      return { started: true, name: backupName, job: id };
    }),
  ];
}
