import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.ts';
import { Reporter } from '../../src/executor/report.ts';
import { runStep, type StepOutcome } from '../../src/executor/run-step.ts';
import { createLogger } from '../../src/log.ts';
import type { PhaseName } from '../../src/model/phase.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { DirectoryServer } from '../helpers/directory-server.ts';
import type { ScriptedUpkeep } from '../helpers/scripted-upkeep.ts';
import { EXECUTOR_ID, makeHost, stepRequest } from '../helpers/step-context.ts';

export interface UpkeepRig {
  upkeep: ScriptedUpkeep;
  health: { operationMode: string; hostId: string };
  killed: AbortController;
  run: (change?: Partial<StepRequest>) => Promise<StepOutcome>;
}

/** A node whose steps may open no location, with two keyspaces of a user and two of Cassandra's. */
export async function upkeepRig(t: ExecutionContext, phase: PhaseName): Promise<UpkeepRig> {
  const { node, pool, stagingDirectories } = await makeHost(t);
  node.upkeep.keyspaces = [
    { keyspace: 'shop', factors: { dc1: 2 } },
    { keyspace: 'blog', factors: { '*': 2 } },
    { keyspace: 'system', factors: {} },
    { keyspace: 'system_distributed', factors: { '*': 3 } },
  ];
  const killed = new AbortController();
  const deps = {
    openStorage: () => Promise.reject(new Error('no location is to be opened')),
    pool,
    hostname: 'localhost',
    // No test waits for real time: whatever is polled has changed by the next look.
    clock: { now: () => Date.now(), sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(1, signal) },
    log: createLogger('test', 'silent'),
  };
  const server = { current: new DirectoryServer(node, stagingDirectories), ip: '127.0.0.1' };
  const run = (change?: Partial<StepRequest>) => {
    const request = stepRequest({ backupName: '', location: '', phase, ...change });
    return runStep(request, server, new Reporter(EXECUTOR_ID, systemClock), killed.signal, deps);
  };
  return { upkeep: node.upkeep, health: node.state, killed, run };
}
