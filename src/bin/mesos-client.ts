import { readFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { artifactBase } from '../artifacts/base-url.ts';
import { systemClock } from '../clock.ts';
import type { SchedulerOptions } from '../config/options.ts';
import { OperatorError, wrapError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { parseMasters } from '../mesos/masters.ts';
import { MesosSchedulerClient } from '../mesos/scheduler-client.ts';
import { frameworkName } from '../model/node.ts';
import type { State } from '../state/database.ts';
import type { SchedulerStart } from './scheduler.ts';

const CAPABILITIES = ['PARTITION_AWARE', 'TASK_KILLING_STATE', 'MULTI_ROLE', 'RESERVATION_REFINEMENT', 'REGION_AWARE'];

interface Parts {
  start: Pick<SchedulerStart, 'options'>;
  clientOptions: Awaited<ReturnType<typeof mesosOptions>>;
  state: State;
  log: Logger;
}

/** The scheduler's subscription; `suppressed`: it begins without offers. */
export function mesosClient(
  { start, clientOptions, state, log }: Parts,
  suppressed: () => boolean,
): MesosSchedulerClient {
  return new MesosSchedulerClient({
    ...clientOptions,
    frameworkInfo: frameworkInfo(start.options, state),
    suppressed,
    log,
    clock: systemClock,
  });
}

/** What is to be refused before anything is opened. */
export async function mesosOptions({ options, mesosSecret }: Pick<SchedulerStart, 'options' | 'mesosSecret'>) {
  const { master, principal, mesosCaFile } = options;
  if (principal === undefined && mesosSecret !== null) {
    throw new OperatorError('BAD_REQUEST', 'Expected --principal (MESOS_PRINCIPAL) for MESOS_SECRET, got none');
  }
  return {
    masters: parseMasters(master),
    backoff: { minMs: 500, maxMs: 10_000 },
    ...(principal === undefined || mesosSecret === null ? {} : { credential: { principal, secret: mesosSecret } }),
    ...(mesosCaFile === undefined ? {} : { ca: await readCa(mesosCaFile) }),
  };
}

async function readCa(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw wrapError(`read --mesos-ca-file ${file}`, error, 'BAD_REQUEST');
  }
}

/** The user id of a container may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch (error) {
    throw new OperatorError('BAD_REQUEST', 'Expected a user for the tasks, and the one that runs this has no name', {
      cause: error,
      hint: 'Give --user (MESOS_USER).',
    });
  }
}

function frameworkInfo(options: SchedulerOptions, state: State) {
  const id = state.framework.get('frameworkId');
  const { principal, advertiseUrl: advertised, host, port } = options;
  return {
    ...(id === null ? {} : { id: { value: id } }),
    user: options.user || userName(),
    name: frameworkName(options.clusterName),
    failoverTimeout: options.failoverTimeout,
    checkpoint: true,
    roles: [options.role],
    capabilities: CAPABILITIES.map((type) => ({ type })),
    webuiUrl: `${artifactBase({ host, port, advertised, hostname: hostname() })}/`,
    ...(principal === undefined ? {} : { principal }),
  };
}
