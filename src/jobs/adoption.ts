import { OperatorError } from '../errors.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
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

/** An adoption that found nothing to adopt leaves the name as free as it was. */
export function isNothingAdopted(job: ClusterJob): boolean {
  return (
    job.type === 'ADOPT' && job.finished !== null && !stepsOf(job, 'backup').some(({ state }) => state === 'SUCCESS')
  );
}
