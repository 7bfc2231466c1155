import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatorError, wrapError } from '../errors.ts';
import { writeDurably } from '../storage/durable.ts';
import { namesIn, readIfPresent } from './local-files.ts';
import type { StepContext } from './step-context.ts';

/** One SSTable in staging. */
export interface StagedSSTable {
  /** Index of the data directory it goes to. */
  dataDirectory: number;
  /** Its components' file names. */
  components: string[];
  bytes: number;
}

export interface StagedTable {
  keyspace: string;
  table: string;
  viewOf: string | null;
  sstables: StagedSSTable[];
}

/**
 * What a restore has staged on this node: `<first staging directory>/<jobUuid>.json`, written once all is there and
 * verified. From then on the restore needs the location no more.
 */
export interface StagedPlan {
  version: 1;
  jobUuid: string;
  cluster: string;
  backupName: string;
  sourceExecutorId: string;
  /** Name of the folder in each staging directory. */
  folder: string;
  /** Epoch ms; the truncation came later. */
  staged: number;
  keyspaces: string[];
  /** Base tables before their views. */
  tables: StagedTable[];
  /** True once `verify` has passed and the staged files may be gone. */
  verified: boolean;
}

type Place = Pick<StepContext, 'stagingDirectories'>;

/** The same for every restore of the same node backup, so that a later try finds what an earlier one staged. */
export function stagingFolder(cluster: string, backupName: string, manifestSha256: string): string {
  return createHash('sha256').update([cluster, backupName, manifestSha256].join('\n')).digest('hex').slice(0, 32);
}

/** Where the files of one table lie that go to the given data directory. */
export function stagedTableDirectory(
  { stagingDirectories }: Place,
  folder: string,
  { keyspace, table }: { keyspace: string; table: string },
  dataDirectory: number,
): string {
  return join(stagingDirectories[dataDirectory % stagingDirectories.length] ?? '', folder, keyspace, table);
}

export async function writePlan(place: Place, plan: StagedPlan): Promise<void> {
  await writeDurably(planPath(place, plan.jobUuid), JSON.stringify(plan), firstDirectory(place));
}

/** Throws LOAD_FAILED when this job has staged nothing here. */
export async function readPlan(place: Place, jobUuid: string): Promise<StagedPlan> {
  const plan = await findPlan(place, jobUuid);
  if (plan !== null) return plan;
  throw new OperatorError(
    'LOAD_FAILED',
    `expected what the restore has staged at ${planPath(place, jobUuid)}, found nothing`,
    {
      hint: 'Start the restore again: it stages anew.',
    },
  );
}

/** Null when the job has staged nothing here. */
async function findPlan(place: Place, jobUuid: string): Promise<StagedPlan | null> {
  const path = planPath(place, jobUuid);
  const text = await readIfPresent(path);
  return text === null ? null : parsePlan(path, text);
}

/** The plans of all jobs that have left one here. */
export async function allPlans(place: Place): Promise<StagedPlan[]> {
  const plans: StagedPlan[] = [];
  for (const name of await namesIn(firstDirectory(place))) {
    const plan = name.endsWith('.json') ? await findPlan(place, name.slice(0, -'.json'.length)) : null;
    if (plan !== null) plans.push(plan);
  }
  return plans;
}

/** Removes a job's plan. */
export async function removePlan(place: Place, jobUuid: string): Promise<void> {
  await rm(planPath(place, jobUuid), { force: true });
}

/** Removes all staged files but those in the folder `keep`. Plans stay. */
export async function removeStaged({ stagingDirectories }: Place, keep: string | null = null): Promise<void> {
  for (const directory of stagingDirectories) {
    for (const name of await namesIn(directory)) {
      if (name !== keep && !name.includes('.')) await rm(join(directory, name), { recursive: true, force: true });
    }
  }
}

export async function makeStagingDirectories({ stagingDirectories }: Place): Promise<void> {
  for (const directory of stagingDirectories) await mkdir(directory, { recursive: true });
}

function planPath(place: Place, jobUuid: string): string {
  return join(firstDirectory(place), `${jobUuid}.json`);
}

function firstDirectory({ stagingDirectories }: Place): string {
  return stagingDirectories[0] ?? '';
}

function parsePlan(path: string, text: string): StagedPlan {
  try {
    const plan = JSON.parse(text) as StagedPlan;
    if (plan.version === 1) return plan;
    throw new OperatorError('LOAD_FAILED', `expected version 1, got ${JSON.stringify(plan.version)}`);
  } catch (error) {
    throw wrapError(`read ${path}`, error, 'LOAD_FAILED');
  }
}
