import { OperatorError } from '../errors.ts';
import { isStepActive, type ClusterJob, type Phase } from '../model/cluster-job.ts';
import { CREDENTIAL_WAYS, type CredentialWay, type GivenCredentials } from '../model/credentials.ts';
import type { ClusterNode } from '../model/node.ts';
import type { PhaseName } from '../model/phase.ts';
import { currentPhase } from './next-steps.ts';
import { isReadyFor, type Ring } from './readiness.ts';
import { changePhase, changeSteps, jobError, stepsOf } from './steps.ts';

/** In bytes. With all that is around it a value has to fit into one request, and into one Mesos task. */
const LONGEST_VALUE = 32 * 1024;

/** Whether a request about that location may come with these credentials. Throws BAD_REQUEST that repeats no value. */
export function checkGiven(given: GivenCredentials, location: string): void {
  const ways = CREDENTIAL_WAYS[/^([a-z0-9]+):\/\//i.exec(location)?.[1]?.toLowerCase() ?? ''];
  if (ways === undefined) {
    throw wrong('no credentials for a location that is a directory', 'some', 'Leave credentials out.');
  }
  if (new URLSearchParams(location.slice(location.indexOf('?') + 1)).has('credentials')) {
    throw wrong("either these or the location's own credentials=", 'both', 'Leave one of them out.');
  }
  const names = Object.keys(given);
  if (!ways.some((way) => isMeant(way, names))) throw wrong(ways.map(inWords).join(' | '), namesInWords(names));
  for (const name of names) {
    const value = given[name] ?? '';
    if (value.trim() === '') throw wrong(`a value of ${name}`, 'an empty one');
    if (Buffer.byteLength(value) > LONGEST_VALUE) {
      throw wrong(`a value of ${name} of at most ${LONGEST_VALUE / 1024} KiB`, 'a longer one');
    }
  }
}

function isMeant({ needed, optional = [] }: CredentialWay, names: readonly string[]): boolean {
  return (
    needed.every((name) => names.includes(name)) &&
    names.every((name) => needed.includes(name) || optional.includes(name))
  );
}

function inWords({ needed, optional = [] }: CredentialWay): string {
  return [...needed, ...optional.map((name) => `${name}?`)].join(' + ');
}

/** What does not look like a name may be a value that stands in the wrong place. */
function namesInWords(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const told = names.filter((name) => /^[A-Z_]{1,32}$/.test(name));
  return [...told, ...(told.length < names.length ? [`${names.length - told.length} that is no name`] : [])].join(
    ' + ',
  );
}

function wrong(expected: string, got: string, hint?: string): OperatorError {
  const message = `credentials: expected ${expected}, got ${got}`;
  return new OperatorError('BAD_REQUEST', message, hint === undefined ? {} : { hint });
}

/** Phases that need no location: it has nothing to do with them, or what they need of it was staged. */
const WITHOUT_LOCATION: ReadonlySet<PhaseName> = new Set(['cleanup', 'load', 'verify']);

/** True for a phase that nodes can do only with what came with the job's request. */
export function needsGiven({ parameters }: Pick<ClusterJob, 'parameters'>, { name }: Pick<Phase, 'name'>): boolean {
  return parameters.credentials === 'request' && !WITHOUT_LOCATION.has(name);
}

/** True for a step whose node can be told all that it needs: `given` is what came with the request, null where it is lost. */
export function isLaunchable(
  job: Pick<ClusterJob, 'parameters'>,
  phase: Pick<Phase, 'name'>,
  node: ClusterNode,
  given: GivenCredentials | null,
): boolean {
  return !needsGiven(job, phase) || (given !== null && node.health?.sealingKey !== undefined);
}

/**
 * What is not begun yet cannot be done any more once the credentials are gone. What is at work has them, and may end well; and tables that are empty
 * are filled.
 */
export function withoutLostCredentials(job: ClusterJob): ClusterJob {
  const isEmptied = stepsOf(job, 'truncate').some((step) => isStepActive(step) || step.state === 'SUCCESS');
  const skipped = changeSteps(
    job,
    ({ state }, { name }) => state === 'PENDING' && name !== 'cleanup' && !(isEmptied && WITHOUT_LOCATION.has(name)),
    () => ({ state: 'SKIPPED', waitingSince: null }),
  );
  if (skipped === job || job.errors.some(({ code }) => code === 'CREDENTIALS_GONE')) return skipped;
  const again = job.type === 'BACKUP' ? 'with resume=true and the credentials' : 'with the credentials';
  const message = `The credentials that came with the request are not kept over a restart of the scheduler; start it again ${again}`;
  return { ...skipped, errors: [...job.errors, jobError('CREDENTIALS_GONE', message)] };
}

/** Steps whose turn it is fail where the node's executor could not be given the credentials. */
export function withoutKeylessSteps(job: ClusterJob, ring: Ring, now: number): ClusterJob {
  const index = currentPhase(job);
  const phase = job.phases[index];
  if (phase === undefined || !needsGiven(job, phase)) return job;
  const after = changePhase(phase, (step) => {
    const node = ring.get(step.executorId);
    if (step.state !== 'PENDING' || !isReadyFor(phase, node)) return null;
    if (node.health === null || node.health.sealingKey !== undefined) return null;
    const message = 'Its executor is of a version that cannot be given credentials: restart the node first';
    const error = jobError('STORAGE_FAILED', message, { executorId: step.executorId });
    return { state: 'FAILED', finished: now, waitingSince: null, error };
  });
  return after === phase ? job : { ...job, phases: job.phases.with(index, after) };
}
