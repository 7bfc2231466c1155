import { mkdtemp, rm } from 'node:fs/promises';
import { globSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type cassandra from 'cassandra-driver';
import { connect } from '../../scripts/lib/dataset.ts';
import { LocalRing } from '../../scripts/lib/local-ring.ts';

/** Where scripts/scenarios.ts tells the tests which ring is running. */
const SHARED_RING = 'CASSANDRA_MESOS_TEST_RING';

export interface JobJson {
  id: number;
  type: string;
  result: string | null;
  aborted: boolean;
  started: number;
  finished: number | null;
  currentNode: { executorId: string } | null;
  remainingNodes: string[];
  completedNodes: {
    executorId: string;
    failure?: { failed: boolean; message: string };
    processedKeyspaces: Record<string, { status: string; error: string | null }>;
  }[];
  phases: { name: string; steps: { executorId: string; state: string; attempt: number }[] }[];
  errors: { executorId: string | null; code: string; message: string }[];
}

/** The ring of three that all scenarios share; started here when a file is run by itself. */
export async function sharedRing(): Promise<LocalRing> {
  const given = process.env[SHARED_RING];
  if (given !== undefined) return LocalRing.attach(JSON.parse(given));
  const ring = await startRing({ nodes: 3, port: 18_180, address: '127.0.0.1' });
  process.once('beforeExit', () => void ring.stop());
  return ring;
}

/** A ring of its own in a new directory. */
export async function startRing(wanted: { nodes: number; port: number; address: string }): Promise<LocalRing> {
  const data = await mkdtemp(join(tmpdir(), 'cassandra-mesos-ring-'));
  const ring = new LocalRing({ ...wanted, data, args: ['--address', wanted.address] });
  await ring.start();
  await ring.ready(300_000);
  return ring;
}

export async function stopRing(ring: LocalRing): Promise<void> {
  await ring.stop();
  await rm(ring.options.data, { recursive: true, force: true });
}

export function clientOf(ring: LocalRing): cassandra.Client {
  return connect(ring.address);
}

export type JobKind = 'backup' | 'restore';

/** Starts a job; the test fails when it is refused. Returns the job's id. */
export async function start(t: ExecutionContext, ring: LocalRing, kind: JobKind, query: string): Promise<number> {
  const { status, body } = await ring.post(`/cluster/${kind}/start?${query}`);
  t.is(status, 200, JSON.stringify(body));
  const { job } = body as { job: number | { id: number } };
  return typeof job === 'number' ? job : job.id;
}

export async function job(ring: LocalRing, id: number): Promise<JobJson> {
  return (await ring.get(`/cluster/jobs/${id}`)).body as JobJson;
}

/** Waits until the job has ended, and returns it as `/last` shows it. */
export async function ended(ring: LocalRing, kind: JobKind, id: number, timeoutMs = 240_000): Promise<JobJson> {
  await ring.until(`${kind} ${id} has ended`, timeoutMs, async () => {
    const { body } = await ring.get(`/cluster/${kind}/status`).catch(() => ({ body: { running: true } }));
    return !(body as { running: boolean }).running;
  });
  const { body } = await ring.get(`/cluster/${kind}/last`);
  const last = (body as Record<string, JobJson>)[kind];
  if (last?.id !== id) throw new Error(`expected job ${id} as the last ${kind}, got ${JSON.stringify(body)}`);
  return last;
}

export async function run(t: ExecutionContext, ring: LocalRing, kind: JobKind, query: string): Promise<JobJson> {
  return ended(ring, kind, await start(t, ring, kind, query));
}

/** Snapshots of ours on any node: there must be none when no job runs. */
export function ownSnapshots(ring: LocalRing): string[] {
  return globSync(join(ring.options.data, 'nodes/*/data/*/*/snapshots/cassandra-mesos-*'));
}

/** Waits until the step of this node is at work. */
export async function atWork(ring: LocalRing, id: number, phase: string, executorId: string): Promise<void> {
  await ring.until(`${phase} of ${executorId} is at work`, 60_000, async () => {
    const steps = (await job(ring, id)).phases.find(({ name }) => name === phase)?.steps ?? [];
    return steps.some((step) => step.executorId === executorId && step.state === 'RUNNING');
  });
}

export const executor = (number: number): string => `cassandra.cassandra.node.${number}.executor`;

/** A name that no other test uses. */
let names = 0;
export function newName(prefix: string): string {
  names += 1;
  return `${prefix}-${process.pid}-${names}`;
}
