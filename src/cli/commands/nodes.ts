import type { Command } from 'commander';
import { writeJson, type Action, type CommandContext, type Register } from '../action.ts';
import { table, time } from '../format.ts';

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
}

type OrderAnswer = Pick<NodeView, 'executorId' | 'targetRunState'>;

const ORDERS = {
  stop: 'Stop Cassandra on a node; it stays down until it is started again.',
  start: 'Start Cassandra on a node that was stopped.',
  restart: 'Stop Cassandra on a node and start it again.',
};

export function addNodeCommands(program: Command, register: Register): void {
  const node = program.command('node').description('See, stop and start the nodes.');
  register(node.command('list').description('Show all nodes.'), listNodes);
  for (const [order, description] of Object.entries(ORDERS)) {
    const command = node.command(order).description(description);
    command.argument('<node>', 'executor id, hostname or ip');
    register(command, (context) => orderNode(order, command.args[0] ?? '', context));
  }
}

const listNodes: Action = async ({ client, deps, json }) => {
  const answer = await client.get<{ nodes: NodeView[]; nodesToAcquire: number }>('/node/all');
  if (json) {
    writeJson(deps, answer);
    return 0;
  }
  const rows = answer.nodes.map((node) => [
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
  const headings = ['NODE', 'HOSTNAME', 'IP', 'SERVER', 'MODE', 'TARGET', 'SEED', 'VERSION', 'LAST HEALTH CHECK'];
  deps.stdout.write(`${table(headings, rows)}\n`);
  for (const node of answer.nodes) {
    if (node.lastError !== null) deps.stdout.write(`${node.executorId}: ${node.lastError}\n`);
  }
  if (answer.nodesToAcquire > 0) deps.stdout.write(`${answer.nodesToAcquire} more to be placed on agents.\n`);
  return 0;
};

async function orderNode(order: string, wanted: string, { client, deps, json }: CommandContext): Promise<number> {
  const answer = await client.post<OrderAnswer>(`/node/${encodeURIComponent(wanted)}/${order}`);
  if (json) writeJson(deps, answer);
  else deps.stdout.write(`${answer.executorId} is to ${answer.targetRunState}; \`node list\` shows how far it is.\n`);
  return 0;
}
