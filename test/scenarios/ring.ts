import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type cassandra from 'cassandra-driver';
import { connect } from '../../scripts/lib/dataset.ts';
import { LocalRing } from '../../scripts/lib/local-ring.ts';

/** Where scripts/scenarios.ts tells the tests which ring is running. */
const SHARED_RING = 'TEST_RING';

interface StepJson {
  executorId: string;
  state: string;
  attempt: number;
  started: number | null;
  finished: number | null;
}

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
  phases: { name: string; steps: StepJson[] }[];
  errors: { executorId: string | null; code: string; message: string }[];
}

/** The ring of three that all scenarios share. */
export function sharedRing(): LocalRing {
  const given = process.env[SHARED_RING];
  if (given === undefined) throw new Error('expected a running ring: run `npm run test:scenarios -- FILE`');
  return LocalRing.attach(JSON.parse(given));
}

export function clientOf(ring: LocalRing): cassandra.Client {
  return connect(ring.address);
}

/** As in the paths below /cluster/. */
export type JobKind = 'backup' | 'restore' | 'cleanup' | 'repair' | 'rolling-restart' | 'remove';

/** Starts a job; the test fails when it is refused. Returns the job's id. */
export async function start(t: ExecutionContext, ring: LocalRing, kind: JobKind, query = ''): Promise<number> {
  const { status, body } = await ring.post(`/cluster/${kind}/start?${query}`);
  t.is(status, 200, JSON.stringify(body));
  return (body as { job: number }).job;
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
  const last = (body as Record<string, JobJson>)[kind === 'rolling-restart' ? 'clusterRestart' : kind];
  if (last?.id !== id) throw new Error(`expected job ${id} as the last ${kind}, got ${JSON.stringify(body)}`);
  return last;
}

export async function run(t: ExecutionContext, ring: LocalRing, kind: JobKind, query = ''): Promise<JobJson> {
  return ended(ring, kind, await start(t, ring, kind, query));
}

/** Snapshots of ours on any node: there must be none when no job runs. */
export function ownSnapshots(ring: LocalRing): string[] {
  const bases = ['nodes/*', 'mesos/agents/*/work/volumes/roles/*/*/*'];
  return bases.flatMap((base) => globSync(join(ring.options.data, base, 'data/*/*/snapshots/cassandra-mesos-*')));
}

/** Waits until the step of this node is at work. */
export async function atWork(ring: LocalRing, id: number, phase: string, executorId: string): Promise<void> {
  await ring.until(`${phase} of ${executorId} is at work`, 60_000, async () => {
    const steps = (await job(ring, id)).phases.find(({ name }) => name === phase)?.steps ?? [];
    return steps.some((step) => step.executorId === executorId && step.state === 'RUNNING');
  });
}

export const executor = (number: number): string => `cassandra.cassandra.node.${number}.executor`;

/** Pid of the node's Cassandra: the JVM whose first data directory is the node's. */
export function cassandraPid(ring: LocalRing, number: number): number {
  return cassandraOf(ring, number).pid;
}

/** Command line of the node's Cassandra, word by word. */
export function cassandraWords(ring: LocalRing, number: number): string[] {
  return cassandraOf(ring, number).words;
}

function cassandraOf(ring: LocalRing, number: number): { pid: number; words: string[] } {
  const begin = `-Dcassandra.storagedir=${ring.options.data}/`;
  const isStorage = (word: string) => word.startsWith(begin) && word.endsWith(`/${executor(number)}`);
  const found = processes().find(({ words }) => words.some(isStorage));
  if (found) return found;
  throw new Error(`no Cassandra of node ${number} runs`);
}

/** Pid of the node's executor: Cassandra is its child. */
export function executorPid(ring: LocalRing, number: number): number {
  const stat = readFileSync(`/proc/${cassandraPid(ring, number)}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** Command lines of all processes that name the path. */
export function processesNaming(path: string): string[] {
  return processes().flatMap(({ words }) => (words.some((word) => word.includes(path)) ? words.join(' ') : []));
}

function processes(): { pid: number; words: string[] }[] {
  return globSync('/proc/[0-9]*/cmdline').map((file) => ({
    pid: Number(file.split('/')[2]),
    words: commandLine(file),
  }));
}

/** Empty when the process has ended meanwhile. */
export function commandLine(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\0');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ESRCH')
      return [];
    throw error;
  }
}

/**
 * Stops the node's Cassandra without ending it: it answers nothing, so that the step that needs it lasts as long as the
 * test wants. Returns how to let it go on.
 */
export function hold(ring: LocalRing, number: number): () => void {
  const pid = cassandraPid(ring, number);
  process.kill(pid, 'SIGSTOP');
  return () => process.kill(pid, 'SIGCONT');
}

/** A name that no other test uses. */
let names = 0;
export function newName(prefix: string): string {
  names += 1;
  return `${prefix}-${process.pid}-${names}`;
}
