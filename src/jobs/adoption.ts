import { OperatorError } from '../errors.ts';
import { checkBackupName } from '../model/backup-name.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import { frameworkName } from '../model/node.ts';
import type { BackupCatalogue } from './backup-catalogue.ts';
import { remembered, type Candidate } from './catalogue.ts';
import { stepsOf } from './steps.ts';

/**
 * What lies there without a record may be adopted: whose it is the nodes find out, who may be the only ones to see it. Throws NAME_TAKEN for
 * what has a record, or has one as far as is known.
 */
export function checkCanBeAdopted(candidate: Candidate): void {
  const { name, location, found } = candidate;
  const state = found.state === 'UNKNOWN' ? remembered(candidate) : found.state;
  if (state === 'ABSENT' || state === 'INCOMPLETE' || state === 'UNKNOWN') return;
  const message = `Backup name ${name} is already used at ${location} by a backup that is ${state}`;
  throw new OperatorError('NAME_TAKEN', message, {
    hint: 'A name is used once: rename the folders of what is to be adopted.',
  });
}

/**
 * Throws NAME_INVALID, and where it can be seen from here BACKUP_NOT_FOUND when nothing of that name is there to be adopted, SCHEMA_MISMATCH
 * when no Cassandra of ours can read it. That the name has a record already the start of the job says.
 */
export async function checkIsForeign(
  catalogue: Pick<BackupCatalogue, 'list' | 'foreign'>,
  cluster: string,
  { name, from, location: wanted }: { name: string; from?: string | undefined; location?: string | undefined },
): Promise<void> {
  checkBackupName(name);
  const { location, seen, backups } = await catalogue.foreign(wanted);
  const folders = from === undefined ? [frameworkName(cluster), cluster] : [from];
  const namesakes = backups.filter((backup) => backup.name === name);
  const found = namesakes.find(({ framework }) => folders.includes(framework));
  if (found !== undefined && found.message !== null) throw new OperatorError('SCHEMA_MISMATCH', found.message);
  if (!seen || found !== undefined || (await catalogue.list(location)).some((backup) => backup.name === name)) return;
  const others = namesakes.map(({ framework }) => framework);
  const message = `There is no backup ${name} of another program in ${folders.join(' or ')} at ${location}`;
  throw new OperatorError('BACKUP_NOT_FOUND', message, {
    hint:
      others.length > 0
        ? `One is in ${others.join(', ')}: say from=${others[0]}.`
        : 'GET /cluster/backups/foreign lists what can be adopted.',
  });
}

/**
 * True for an adoption that ended without a record. What lies there is what it was before, another program's, and to be remembered with no
 * time of ours: a retention policy must not take it for an old backup.
 */
export function isStillForeign(job: ClusterJob): boolean {
  return (
    job.type === 'ADOPT' && job.finished !== null && !stepsOf(job, 'commit').some(({ state }) => state === 'SUCCESS')
  );
}
