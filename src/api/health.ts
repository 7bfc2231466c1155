import { overdueBy } from '../jobs/schedules.ts';
import { isMember, isNodeReady, type ClusterNode } from '../model/node.ts';
import type { Schedule } from '../model/schedule.ts';

/** How old a node's last word may be until it counts as unknown: several health intervals. */
export const HEALTH_MAX_AGE_MS = 120_000;

/** One check of the report; the forerunner's fields and names, `reasons` in words. */
export interface HealthResult {
  name: string;
  ok: boolean;
  expected: unknown;
  actual: unknown;
  reasons: string[];
}

export interface ExpectedCluster {
  targetNodes: () => number;
  seedCount: number;
}

/** True when the node serves clients: it runs, is NORMAL, said so recently and takes CQL connections. */
export function isLive(node: ClusterNode, now: number): boolean {
  return isNodeReady(node) && isFresh(node, now) && node.health?.nativeTransportRunning === true;
}

export function isFresh(node: ClusterNode, now: number): boolean {
  return node.healthAt !== null && now - node.healthAt <= HEALTH_MAX_AGE_MS;
}

/** Everything that a healthy cluster has. It is healthy when all results are ok. Former nodes do not count. */
export function checkCluster(all: ClusterNode[], expected: ExpectedCluster, now: number): HealthResult[] {
  const nodes = all.filter(isMember);
  const { targetNodes, seedCount } = expected;
  const schemas = [...new Set(nodes.flatMap((node) => node.health?.schemaVersion ?? []))].sort();
  return [
    countResult('nodeCount', 'nodes', targetNodes(), nodes.filter((node) => node.agentId !== null).length),
    countResult('seedCount', 'ready seeds', seedCount, nodes.filter((node) => node.seed && isNodeReady(node)).length),
    nodesResult('nodesHaveServerTask', nodes, (node) =>
      node.serverState === 'RUNNING' ? null : `Cassandra does not run (${whyNotRunning(node)})`,
    ),
    nodesResult('operatingModeNormal', nodes, (node) =>
      node.health?.operationMode === 'NORMAL' ? null : `is ${node.health?.operationMode ?? 'silent'}, not NORMAL`,
    ),
    nodesResult('lastHealthCheckNewerThan', nodes, (node) => (isFresh(node, now) ? null : ageOf(node, now))),
    nodesResult('allHealthy', nodes, (node) =>
      node.health?.nativeTransportRunning === false ? 'takes no CQL connections' : null,
    ),
    {
      name: 'oneSchemaVersion',
      ok: schemas.length <= 1,
      expected: 1,
      actual: schemas.length,
      reasons: schemas.length <= 1 ? [] : [`nodes disagree on the schema: ${schemas.join(', ')}`],
    },
    nodesResult('nodesSeeEachOther', nodes, (node) => unseenBy(node, nodes)),
  ];
}

function countResult(name: string, what: string, expected: number, actual: number): HealthResult {
  const ok = actual >= expected;
  return { name, ok, expected, actual, reasons: ok ? [] : [`expected ${expected} ${what}, there are ${actual}`] };
}

/** A check that every node has to pass: `expected` and `actual` count nodes. */
function nodesResult(
  name: string,
  nodes: ClusterNode[],
  problemOf: (node: ClusterNode) => string | null,
): HealthResult {
  const reasons = nodes.flatMap((node) => {
    const problem = problemOf(node);
    return problem === null ? [] : [`${node.executorId}: ${problem}`];
  });
  return { name, ok: reasons.length === 0, expected: nodes.length, actual: nodes.length - reasons.length, reasons };
}

function whyNotRunning(node: ClusterNode): string {
  if (node.targetRunState === 'STOP') return 'stopped by the operator';
  return node.lastError === null ? node.serverState : `${node.serverState}, ${node.lastError}`;
}

function ageOf(node: ClusterNode, now: number): string {
  if (node.healthAt === null) return 'has not reported its health yet';
  return `last reported its health ${Math.round((now - node.healthAt) / 1000)} s ago`;
}

function unseenBy(node: ClusterNode, nodes: ClusterNode[]): string | null {
  const { health } = node;
  if (health === null) return null;
  const unseen = nodes.filter((other) => other.ip !== null && !health.liveNodes.includes(other.ip));
  return unseen.length === 0 ? null : `does not see ${unseen.map((other) => other.executorId).join(', ')} as live`;
}

/** One result, where some schedule says how old its last success may be. */
export function checkSchedules(schedules: Schedule[], now: number): HealthResult[] {
  const limited = schedules.filter(({ maxAgeMs }) => maxAgeMs !== null);
  if (limited.length === 0) return [];
  const reasons = limited.flatMap((schedule) => {
    if (overdueBy(schedule, now) === null) return [];
    const { name, lastSuccess, created, maxAgeMs, failures } = schedule;
    const age = Math.round((now - (lastSuccess ?? created)) / 1000);
    const since =
      lastSuccess === null ? `has had no success since it was made ${age} s ago` : `had its last success ${age} s ago`;
    const after = failures === 0 ? '' : `, ${failures} failed since`;
    return [`schedule ${name} ${since}${after}; at most ${Math.round((maxAgeMs ?? 0) / 1000)} s are allowed`];
  });
  const actual = limited.length - reasons.length;
  return [{ name: 'schedulesSucceed', ok: reasons.length === 0, expected: limited.length, actual, reasons }];
}
