import { nodeJson, nodeParts, placeOf, type NodePart } from '../jobs/node-json.ts';
import type { ClusterJob } from '../model/cluster-job.ts';

/** A keyspace of a node as the last jobs of one type left it. */
export interface KeyspaceRun {
  /** The last time that all went well; null: not known of any. */
  last: { at: number; bytes: number; durationMillis: number } | null;
  /** Since this scheduler began. */
  failures: number;
}

/** By node (executor id), then by keyspace. */
export type KeyspaceRuns = Map<string, Map<string, KeyspaceRun>>;

/** What one job did to a node's keyspaces. */
export interface NodeOutcome {
  succeeded: Map<string, { at: number; bytes: number; durationMillis: number }>;
  failed: Set<string>;
  /** The node failed as a whole: whatever is known of it and was asked for is in vain. */
  nodeFailed: boolean;
  /** The keyspaces that succeeded are all that the node has. */
  whole: boolean;
}

export interface JobOutcome {
  /** Null: all. */
  keyspaces: string[] | null;
  nodes: Map<string, NodeOutcome>;
}

/** The nodes that a job has come to the end of. */
export function completedParts(job: ClusterJob): NodePart[] {
  return nodeParts(job).filter((part) => placeOf(part) === 'completed');
}

/**
 * What a finished job says of each keyspace of a node. A backup without its record is none, so a FAILURE is one of all its
 * keyspaces; what an abort cut off says nothing.
 */
export function outcomeOf(job: ClusterJob, part: NodePart): NodeOutcome {
  const { processedKeyspaces, remainingKeyspaces, failure } = nodeJson(job, part, new Map());
  const { keyspaces, tables } = job.parameters;
  const usable = job.result === 'SUCCESS' || job.result === 'PARTIAL';
  const outcome: NodeOutcome = {
    succeeded: new Map(),
    failed: new Set(failure ? remainingKeyspaces : []),
    nodeFailed: failure !== undefined && Object.keys(processedKeyspaces).length === 0,
    whole: failure === undefined && usable && keyspaces === null && tables === null,
  };
  for (const [name, { status, bytes, durationMillis }] of Object.entries(processedKeyspaces)) {
    if (status === 'FAILURE' || job.result === 'FAILURE') outcome.failed.add(name);
    // Some tables of a keyspace are not the keyspace.
    else if (usable && tables === null) outcome.succeeded.set(name, { at: job.finished ?? 0, bytes, durationMillis });
  }
  outcome.whole &&= outcome.failed.size === 0;
  return outcome;
}

/** Adds what a job did; its failures only when `count`. Jobs have to come in the order of their ends. */
export function addOutcome(runs: KeyspaceRuns, { keyspaces, nodes }: JobOutcome, count: boolean): void {
  for (const [executorId, { succeeded, failed, nodeFailed, whole }] of nodes) {
    const known = runs.get(executorId) ?? new Map<string, KeyspaceRun>();
    runs.set(executorId, known);
    for (const [name, last] of succeeded) known.set(name, { failures: known.get(name)?.failures ?? 0, last });
    const inVain = nodeFailed ? [...known.keys()].filter((name) => keyspaces?.includes(name) ?? true) : [];
    for (const name of new Set([...failed, ...inVain])) {
      const { last = null, failures = 0 } = known.get(name) ?? {};
      known.set(name, { last, failures: failures + Number(count) });
    }
    // What a whole run does not name was dropped.
    if (whole) for (const name of known.keys()) if (!succeeded.has(name)) known.delete(name);
  }
}
