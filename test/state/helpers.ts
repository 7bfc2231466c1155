import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { NewJob } from '../../src/model/cluster-job.ts';
import type { JobType } from '../../src/model/phase.ts';
import { openState, type State } from '../../src/state/database.ts';
import { nodes, planned } from '../jobs/helpers.ts';

/** A path for a state file, gone after the test. */
export function statePath(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'state-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'state.sqlite');
}

/** A new state of the test's own. */
export function newState(t: ExecutionContext): State {
  const state = openState(statePath(t));
  t.teardown(() => state.close());
  return state;
}

/** A job that was planned and not begun. */
export function newJob(type: JobType, uuid: string, change: Partial<NewJob> = {}): NewJob {
  const { id: _id, ...job } = planned(type, nodes(2), { snapshot: 'together', keyspaces: ['ks1'] });
  return { ...job, uuid, ...change };
}
