import { rm } from 'node:fs/promises';
import type { JobJson } from '../src/jobs/job-json.ts';
import { medianOf, type Result, type Row } from './results.ts';
import type { BenchRing } from './ring.ts';

const BEFORE = 'wait before (ms)';
const LAUNCH = 'launch (ms)';
const WORK = 'work (ms)';
const REPORT = 'report (ms)';
const ADDED = 'added by the scheduler (ms)';

/** What scheduling adds to each step: a backup and a restore of a keyspace that is as good as empty. */
export async function measureOverhead(ring: BenchRing, rounds: number): Promise<Result> {
  const { client } = ring;
  const execute = async (statement: string): Promise<unknown> => client.execute(statement, [], { prepare: false });
  try {
    await execute(`CREATE KEYSPACE tiny WITH replication = {'class': 'NetworkTopologyStrategy', 'DC1': 1}`);
    await execute('CREATE TABLE tiny.rows (id int PRIMARY KEY)');
    await execute('INSERT INTO tiny.rows (id) VALUES (1)');
    const rows: Row[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      for (const kind of ['backup', 'restore'] as const) {
        const job = await ring.run(kind, `tiny-${round}`);
        rows.push(...stepFigures(job, workTimes(ring)));
      }
    }
    const columns = [BEFORE, LAUNCH, WORK, REPORT, ADDED];
    const summary = Object.fromEntries(columns.map((column) => [`median ${column}`, medianOf(rows, column)]));
    const title = 'What the scheduler adds to a step: waiting for its turn, its launch, the report of its end';
    return { name: 'overhead', title, settings: { rounds, steps: rows.length }, rows, summary };
  } finally {
    await execute('DROP KEYSPACE IF EXISTS tiny');
    await rm(ring.backups, { recursive: true, force: true });
  }
}

interface Work {
  begun: number;
  ended: number;
}

/** When the executor had each task at work (epoch ms), by its own log. */
function workTimes(ring: BenchRing): Map<string, Work> {
  const times = new Map<string, Work>();
  for (const { msg, task: taskId, time } of ring.executorLog()) {
    if (msg === 'step begins') times.set(String(taskId), { begun: Number(time), ended: Number.NaN });
    const work = times.get(String(taskId));
    if (msg === 'step ended' && work) work.ended = Number(time);
  }
  return times;
}

/** The steps of a job follow one another, for there is one node only. */
function stepFigures(job: JobJson, times: Map<string, Work>): Row[] {
  let before = job.started;
  return job.phases.flatMap(({ name: phase, steps }) =>
    steps.map(({ taskId, started, finished }) => {
      const work = times.get(taskId ?? '');
      if (!work || started === null || finished === null) throw new Error(`the executor's log has no task ${taskId}`);
      const [wait, launch, report] = [started - before, work.begun - started, finished - work.ended];
      before = finished;
      return {
        phase,
        [BEFORE]: wait,
        [LAUNCH]: launch,
        [WORK]: work.ended - work.begun,
        [REPORT]: report,
        [ADDED]: wait + launch + report,
      };
    }),
  );
}
