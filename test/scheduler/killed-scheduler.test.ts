import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { FoundBackup } from '../../src/jobs/catalogue.ts';
import type { StartRequest } from '../../src/jobs/start-request.ts';
import type { ClusterJob } from '../../src/model/cluster-job.ts';
import type { JobType } from '../../src/model/phase.ts';
import type { Fate } from './mortal-state.ts';
import { World } from './random-world.ts';

interface Kind {
  type: JobType;
  /** What lies under the name when it begins. */
  found: FoundBackup['state'];
  request: (name: string) => StartRequest;
  /** It need not outlive its scheduler. */
  isLost?: boolean;
}

const GIVEN = { location: 's3://bucket/prefix', credentials: { ACCESS_KEY_ID: 'id', SECRET_ACCESS_KEY: 'geheim' } };

const KINDS: Kind[] = [
  { type: 'BACKUP', found: 'ABSENT', request: (name) => ({ name, snapshot: 'together' }) },
  { type: 'RESTORE', found: 'COMPLETE', request: (name) => ({ name }) },
  { type: 'VERIFY', found: 'COMPLETE', request: (name) => ({ name, deep: true }) },
  { type: 'DELETE', found: 'COMPLETE', request: (name) => ({ name }) },
  { type: 'PRUNE', found: 'COMPLETE', request: () => ({ names: ['b1'] }) },
  { type: 'SWEEP', found: 'COMPLETE', request: () => ({}) },
  { type: 'RENAME', found: 'COMPLETE', request: () => ({ from: 'a', to: 'b' }) },
  { type: 'ADOPT', found: 'ABSENT', request: (name) => ({ name }) },
  { type: 'BACKUP', found: 'ABSENT', request: (name) => ({ name, ...GIVEN, snapshot: 'together' }), isLost: true },
  { type: 'RESTORE', found: 'COMPLETE', request: (name) => ({ name, ...GIVEN }), isLost: true },
  { type: 'DELETE', found: 'COMPLETE', request: (name) => ({ name, ...GIVEN }), isLost: true },
];

/** Rounds after which a job has ended for sure, also when steps are tried again. */
const ROUNDS = 200;

/** One job, with a scheduler that meets its fate meanwhile. False when the job had ended before that. */
async function meetsFate(t: ExecutionContext, world: World, kind: Kind, fate: Fate): Promise<boolean> {
  const name = `${kind.type.toLowerCase()}-${fate.when}-${fate.at}`;
  world.found = kind.found;
  const before = world.state.jobs.last(kind.type)?.id ?? 0;
  const start = () => world.survives(() => world.order((_ring, jobs) => jobs.start(kind.type, kind.request(name))));
  world.meets(fate);
  let died = await start();
  // Nothing was stored: the operator got no answer, and asks again.
  if (world.state.jobs.running() === null) await start();
  const round = async () => {
    await world.mesos.subscribe();
    await world.pass(2_000);
    await world.deliverAll();
  };
  for (let count = 0; count < ROUNDS && world.state.jobs.running() !== null; count += 1) {
    if (await world.survives(round)) died = true;
  }
  const job = world.state.jobs.last(kind.type);
  const where = `${name}: ${JSON.stringify(summaryOf(job))}`;
  t.is(world.state.jobs.running(), null, where);
  t.true((job?.id ?? 0) > before, where);
  if (kind.isLost && job?.result !== 'SUCCESS') checkLost(t, job, where);
  else t.is(job?.result, 'SUCCESS', where);
  world.meets(null);
  return died;
}

/** Nothing but the credentials was missing. Tables that are known to be empty were filled; where nobody can know, that is said. */
function checkLost(t: ExecutionContext, job: ClusterJob | null, where: string): void {
  const truncation = job?.phases.find(({ name }) => name === 'truncate')?.steps[0];
  const wasCut = truncation?.state === 'SKIPPED' && truncation.started !== null;
  t.deepEqual(
    new Set(job?.errors.map(({ code }) => code)),
    new Set(['CREDENTIALS_GONE', ...(wasCut ? ['LOAD_FAILED'] : [])]),
    where,
  );
  t.not(truncation?.state, 'SUCCESS', where);
}

function summaryOf(job: ClusterJob | null) {
  return job && { result: job.result, errors: job.errors, phases: job.phases.map(({ steps }) => steps) };
}

for (const kind of KINDS) {
  test(`${kind.type}${kind.isLost ? ' with credentials' : ''}: a scheduler that is killed at any transition of the job is followed by one that ends it`, async (t) => {
    t.timeout(120_000);
    const directory = mkdtempSync(join(tmpdir(), 'killed-'));
    const world = new World(join(directory, 'state.sqlite'), { nodeCount: 2 });
    try {
      await world.comeToRest();
      for (const when of ['before', 'after'] as const) {
        let at = 1;
        while (await meetsFate(t, world, kind, { when, at })) at += 1;
        t.true(at > 6, `died ${at - 1} times only`);
      }
    } finally {
      await world.close();
      rmSync(directory, { recursive: true, force: true });
    }
  });
}
