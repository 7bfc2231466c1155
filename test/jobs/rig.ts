import type { ExecutionContext } from 'ava';
import { OperatorError, type ErrorCode } from '../../src/errors.ts';
import type { FoundBackup } from '../../src/jobs/catalogue.ts';
import { ClusterJobs } from '../../src/jobs/cluster-jobs.ts';
import type { ClusterJob } from '../../src/model/cluster-job.ts';
import type { GivenCredentials } from '../../src/model/credentials.ts';
import type { State } from '../../src/state/database.ts';
import { newState } from '../state/helpers.ts';
import { CLUSTER, error, id, nodes, START } from './helpers.ts';
import { Ticker, type Script } from './ticker.ts';

export interface Rig {
  jobs: ClusterJobs;
  state: State;
  /** What lies at the location; may be changed. */
  found: FoundBackup;
  asked: string[];
  /** The credentials that it was looked at with. */
  given: (GivenCredentials | undefined)[];
  wakes: number;
  now: number;
}

/** Cluster jobs over a state and a location of the test's own. */
export function rig(t: ExecutionContext, nodeCount = 2, state = newState(t), now = START): Rig {
  for (const one of nodes(nodeCount)) state.nodes.save(one);
  const made: Omit<Rig, 'jobs'> = {
    state,
    found: { state: 'ABSENT', message: null },
    asked: [],
    given: [],
    wakes: 0,
    now,
  };
  return Object.assign(made, {
    jobs: new ClusterJobs({
      state,
      clock: { now: () => made.now, sleep: () => Promise.reject(new Error('nothing sleeps here')) },
      cluster: CLUSTER,
      defaultLocation: 'file:///backup',
      wake: () => void (made.wakes += 1),
      findBackup: async (location, name, given) => {
        made.given.push(given);
        made.asked.push(`${location} ${name}`);
        await Promise.resolve();
        return made.found;
      },
    }),
  });
}

/** Brings the running job to its end, stored step by step. */
export function finish({ jobs, state }: Rig, script?: Script): ClusterJob {
  const running = jobs.running();
  if (!running) throw new Error('no job is running');
  const turned = new Ticker(running, state.nodes.all());
  for (let count = 0; count < 1_000 && turned.job.finished === null; count += 1) {
    jobs.update(running.id, () => turned.tick(1_000).end(script).job);
  }
  return turned.job;
}

export async function refused(t: ExecutionContext, start: Promise<unknown>, code: ErrorCode): Promise<OperatorError> {
  const thrown = await t.throwsAsync(start, { instanceOf: OperatorError });
  t.is(thrown.code, code);
  return thrown;
}

/** The second node has no room. */
export const PARTIAL: Script = ({ phase, executorId }) =>
  phase === 'backup' && executorId === id(1) ? error('NO_SPACE', 'disk full') : undefined;
