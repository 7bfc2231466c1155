import { table, time } from './format.ts';

/** What the commands read of `/node/all`; api-docs/openapi.yaml has all of it. */
export interface NodesView {
  nodes: NodeView[];
  formerNodes: NodeView[];
  replaceNodes: string[];
  nodesToAcquire: number;
}

interface NodeView {
  executorId: string;
  hostname: string | null;
  ip: string | null;
  targetRunState: string;
  serverState: string;
  seedNode: boolean;
  lastHealthCheck: number | null;
  healthCheckDetails: { operationMode: string; version: string } | null;
  lastError: string | null;
  replaces: string | null;
  volumes: { id: string }[];
  pendingChanges: Record<string, { from: unknown; to: unknown }>;
}

/** The nodes for people: a line each, then what is wrong, under way, or left over. */
export function describeNodes({ nodes, formerNodes, replaceNodes, nodesToAcquire }: NodesView): string {
  const takingOver = nodes.filter(({ replaces }) => replaces !== null && replaceNodes.includes(replaces));
  const pending = nodes.flatMap(({ executorId, pendingChanges }) =>
    Object.entries(pendingChanges).map(([setting, { from, to }]) => [executorId, setting, text(from), text(to)]),
  );
  const notes = [
    ...nodes.flatMap(({ executorId, lastError }) => (lastError === null ? [] : [`${executorId}: ${lastError}`])),
    ...takingOver.map(({ executorId, replaces }) => `${executorId} takes the place of ${replaces}.`),
    ...(nodesToAcquire > 0 ? [`${nodesToAcquire} more to be placed on agents; \`offers\` says why they wait.`] : []),
  ];
  const parts = [
    [nodes.length === 0 ? 'There are no nodes.' : nodeTable(nodes), ...notes].join('\n'),
    ...(formerNodes.length === 0 ? [] : [formerTable(formerNodes)]),
    ...(pending.length === 0
      ? []
      : [`To be applied by \`rolling-restart start\`:\n${table(['NODE', 'SETTING', 'FROM', 'TO'], pending)}`]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function nodeTable(nodes: NodeView[]): string {
  const rows = nodes.map((node) => [
    node.executorId,
    node.hostname ?? '-',
    node.ip ?? '-',
    node.serverState,
    node.healthCheckDetails?.operationMode ?? '-',
    node.targetRunState,
    node.seedNode ? 'yes' : 'no',
    node.healthCheckDetails?.version ?? '-',
    time(node.lastHealthCheck),
  ]);
  return table(['NODE', 'HOSTNAME', 'IP', 'SERVER', 'MODE', 'TARGET', 'SEED', 'VERSION', 'LAST HEALTH CHECK'], rows);
}

function formerTable(nodes: NodeView[]): string {
  const rows = nodes.map(({ executorId, hostname, ip, serverState, volumes }) => [
    executorId,
    hostname ?? '-',
    ip ?? '-',
    serverState,
    volumes.length,
  ]);
  const headings = ['NODE', 'HOSTNAME', 'IP', 'SERVER', 'VOLUMES'];
  return `Replaced or removed; \`node remove\` deletes what is left:\n${table(headings, rows)}`;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
