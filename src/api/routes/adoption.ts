import { z } from 'zod';
import { checkIsForeign } from '../../jobs/adoption.ts';
import type { ApiDeps } from '../deps.ts';
import { choiceParam, countParam } from '../params.ts';
import { jsonRoute, type Route } from '../route.ts';
import { AT_LOCATION, LOCATION } from './jobs.ts';

const FOLDER_WORDS = 'a folder of the location, such as cassandra.dev-cluster or mycluster/20150102030405';
const NODE_MAP_WORDS = 'folders and node numbers such as node-0=3,node-1=4, each of them once';
const PART = String.raw`(?!\.{1,2}(?:/|$))[^\p{Cc}/\\]{1,255}`;

/** Whose the folders of a tree are: `node-0=3,node-1=4`, or an object. */
const NODE_MAP = z.preprocess(
  readPairs,
  z
    .record(z.string().regex(new RegExp(`^${PART}$`, 'u')), z.int().min(0), { error: NODE_MAP_WORDS })
    .refine((map) => new Set(Object.values(map)).size === Object.keys(map).length, { error: NODE_MAP_WORDS }),
);

function readPairs(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const pairs = value.split(',').map((pair) => /^([^=]+)=(\d{1,9})$/.exec(pair.trim()));
  const folders = new Set(pairs.map((pair) => pair?.[1]));
  if (pairs.includes(null) || folders.size < pairs.length) return value;
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', Number(pair?.[2])]));
}

const ADOPT = {
  // Checked by checkBackupName, whose error has a code of its own.
  name: z.string({ error: 'a backup name' }).optional(),
  from: z
    .string({ error: FOLDER_WORDS })
    .max(1024, { error: FOLDER_WORDS })
    .regex(new RegExp(`^${PART}(?:/${PART})*$`, 'u'), { error: FOLDER_WORDS })
    .optional(),
  nodeMap: NODE_MAP.optional(),
  ...AT_LOCATION,
  strategy: choiceParam(['serial', 'parallel']).optional(),
  concurrency: countParam().optional(),
};

/** What other programs have made, and how it becomes a backup of ours. To come before the routes of backups by name. */
export function adoptionRoutes(deps: ApiDeps): Route[] {
  return [
    jsonRoute('GET', '/cluster/backups/foreign', LOCATION, ({ params }) => deps.backups.foreign(params.location)),
    jsonRoute('POST', '/cluster/backups/adopt', ADOPT, async ({ params: { from, ...params } }) => {
      const { name, location, credentials, nodeMap } = params;
      if (name !== undefined) {
        const wanted = { name, from, location, credentials, nodeMap };
        await checkIsForeign(deps.backups, deps.cluster.name, wanted, deps.nodes.all());
      }
      const { id, backupName } = await deps.jobs.start('ADOPT', { ...params, adoptFrom: from });
      return { started: true, name: backupName, job: id };
    }),
  ];
}
