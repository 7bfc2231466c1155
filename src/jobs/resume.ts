import { OperatorError } from '../errors.ts';
import type { ClusterJob, JobParameters } from '../model/cluster-job.ts';
import { isMember, type ClusterNode } from '../model/node.ts';
import type { JobError } from '../model/step.ts';
import type { BackupEntry } from '../state/backups.ts';
import { notFound, remembered, type Candidate } from './catalogue.ts';
import type { StartRequest } from './start-request.ts';
import { executorIdsOf, jobError, stepsOf } from './steps.ts';

/**
 * Refuses what cannot be gone on with: NAME_TAKEN for a backup that lacks nothing, BACKUP_NOT_FOUND, BACKUP_DAMAGED, BACKUP_INCOMPLETE for
 * one that is being deleted. `earlier` is the job that made it, as far as it is known.
 */
export function checkCanBeResumed(candidate: Candidate, earlier: ClusterJob | null): void {
  const { name, location, found, entry } = candidate;
  // A job that was ended before its first file has left nothing, but its name.
  const isEmpty = found.state === 'ABSENT' && entry?.state === 'INCOMPLETE';
  const state = found.state === 'UNKNOWN' || isEmpty ? remembered(candidate) : found.state;
  const what = `Backup ${name} at ${location}`;
  if (earlier !== null && earlier.type !== 'BACKUP') {
    throw new OperatorError('NAME_TAKEN', `${what} was adopted from another program: it cannot be resumed`, {
      hint: 'Adopt it again, or make a new backup.',
    });
  }
  if (state === 'INCOMPLETE' || state === 'PARTIAL') return;
  if (state === 'ABSENT' || state === 'UNKNOWN') throw notFound(candidate);
  if (state === 'COMPLETE') {
    throw new OperatorError('NAME_TAKEN', `${what} is whole: nothing is missing that could be resumed`, {
      hint: 'Choose another name for a new backup.',
    });
  }
  if (state === 'DAMAGED') {
    const reason = found.message === null ? '' : `: ${found.message}`;
    throw new OperatorError('BACKUP_DAMAGED', `${what} is damaged${reason}`, { hint: 'Make a new backup.' });
  }
  throw new OperatorError(
    'BACKUP_INCOMPLETE',
    `${what} is ${state === 'RUNNING' ? 'still being made' : 'being deleted'}`,
  );
}

/** The request with what the interrupted job was asked for, where it does not say otherwise. Throws BAD_REQUEST, NAME_REQUIRED. */
export function resumingRequest(request: StartRequest, earlier: ClusterJob | null): StartRequest {
  if (request.name === undefined) {
    throw new OperatorError('NAME_REQUIRED', 'Expected the name of the backup to resume, got none');
  }
  if (request.nodes !== undefined) {
    throw new OperatorError(
      'BAD_REQUEST',
      'Expected no nodes with resume: it covers those that the backup was begun with',
    );
  }
  if (earlier === null) return request;
  const { keyspaces, tables, nodes, mode } = earlier.parameters;
  const isChoice = request.keyspaces !== undefined || request.tables !== undefined;
  return {
    ...request,
    keyspaces: isChoice ? request.keyspaces : (keyspaces ?? undefined),
    tables: isChoice ? request.tables : (tables ?? undefined),
    nodes: nodes ?? undefined,
    mode: request.mode ?? mode,
  };
}

/** The jobs that have worked on it so far. */
export function resumedJobs(earlier: ClusterJob | null): Pick<JobParameters, 'resumes'> {
  return earlier === null ? {} : { resumes: [...(earlier.parameters.resumes ?? []), earlier.uuid] };
}

/**
 * What a node that has left handed over to the others they did not have when they stored their parts. One that was replaced handed over
 * nothing: its replacement has the same tokens, and stores its own part. Throws TOPOLOGY_MISMATCH.
 */
export function checkNobodyLeft(earlier: ClusterJob, nodes: ClusterNode[]): void {
  const then = new Set(executorIdsOf(earlier));
  const members = nodes.filter(isMember);
  const here = new Set(members.map(({ executorId }) => executorId));
  const gone = [...then].filter((executorId) => !here.has(executorId));
  const replacements = members.filter(({ executorId, replaces }) => replaces !== null && !then.has(executorId));
  if (gone.length <= replacements.length) return;
  throw new OperatorError(
    'TOPOLOGY_MISMATCH',
    `Since backup ${earlier.backupName} was begun ${gone.join(', ')} left the cluster: what the others have stored lacks what was handed over to them`,
    { hint: 'Make a new backup.' },
  );
}

/** What the nodes found when they went on must be one backup. Else nothing of it may be committed. */
export function resumeErrors(job: ClusterJob): JobError[] {
  return [
    ...moreThanOne(
      'parts of different backups',
      distinct(job, ({ origin }) => origin),
    ),
    ...moreThanOne(
      'different records of it',
      distinct(job, ({ recordSha256 }) => recordSha256),
    ),
  ];
}

/** Checksum of the record that the new one takes the place of; undefined when there is none. */
export function recordToReplace(job: ClusterJob): string | undefined {
  return distinct(job, ({ recordSha256 }) => recordSha256)[0];
}

function moreThanOne(what: string, found: string[]): JobError[] {
  if (found.length <= 1) return [];
  const message = `The nodes found ${what} under the name: ${found.join(', ')}. It cannot be resumed`;
  return [jobError('BACKUP_DAMAGED', message)];
}

type Resumed = { origin: string | null; recordSha256: string | null };

function distinct(job: ClusterJob, pick: (resumed: Resumed) => string | null): string[] {
  const found = stepsOf(job, 'backup').flatMap(({ report }) => (report?.resumed ? (pick(report.resumed) ?? []) : []));
  return [...new Set(found)];
}

/** A PARTIAL backup stays what it is until the job that resumes it has written a new record. */
export function entryWhileResumed(
  made: BackupEntry,
  before: BackupEntry | null,
  { parameters }: ClusterJob,
): BackupEntry {
  if (!parameters.resume || made.summary !== null || !before?.summary) return made;
  return { ...made, summary: before.summary, state: made.state === 'INCOMPLETE' ? before.summary.state : made.state };
}
