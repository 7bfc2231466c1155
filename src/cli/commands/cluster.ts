import type { Command } from 'commander';
import { writeJson, type Action, type CommandContext, type Register } from '../action.ts';
import { table, time } from '../format.ts';

interface OffersView {
  offers: { agentId: string; hostname: string; received: number; decision: string; reason: string }[];
  waiting: { executorId: string; kind: 'server' | 'step' | 'release'; reason: string }[];
}

/** Commands for the whole cluster: how large it is, why nothing starts, and its end. */
export function addClusterCommands(program: Command, register: Register): void {
  const scale = program
    .command('scale')
    .description('Have more nodes. To have fewer, remove them: `node remove`.')
    .argument('<count>', 'how many nodes there are to be');
  register(scale, (context) => scaleTo(scale.args[0], context));
  register(
    program.command('offers').description('Show what became of the last offers, and what waits and why.'),
    offers,
  );
  const destroy = program
    .command('cluster')
    .description('End the cluster.')
    .command('destroy')
    .description('Stop all nodes, delete their volumes for good, and end the framework. Backups stay.')
    .option('--yes-delete-data', 'yes, all data may be deleted for good; without it only told what would happen')
    .option('--cluster <name>', "the cluster's name, repeated");
  register(destroy, (context) => destroyCluster(destroy, context));
}

async function scaleTo(nodeCount: string | undefined, { client, deps, json }: CommandContext): Promise<number> {
  const answer = await client.post<{ newNodeCount: number }>('/scale/nodes', { nodeCount });
  const count = answer.newNodeCount;
  if (json) writeJson(deps, answer);
  else
    deps.stdout.write(
      `${count} ${count === 1 ? 'node is' : 'nodes are'} wanted; \`node list\` shows how many are there.\n`,
    );
  return 0;
}

const WAITS_FOR = { server: 'start', step: 'job step', release: 'deletion' } as const;

const offers: Action = async ({ client, deps, json }) => {
  const answer = await client.get<OffersView>('/offers/last');
  if (json) {
    writeJson(deps, answer);
    return 0;
  }
  const last = answer.offers.map(({ hostname, decision, received, reason }) => [
    hostname,
    decision,
    time(received),
    reason === '' ? '-' : reason,
  ]);
  const waiting = answer.waiting.map(({ executorId, kind, reason }) => [executorId, WAITS_FOR[kind], reason]);
  const parts = [
    last.length === 0 ? 'No offer has come yet.' : table(['HOST', 'DECISION', 'RECEIVED', 'REASON'], last),
    waiting.length === 0 ? 'Nothing waits.' : table(['WAITING NODE', 'FOR', 'REASON'], waiting),
  ];
  deps.stdout.write(`${parts.join('\n\n')}\n`);
  return 0;
};

/** Without the yes and the name the scheduler refuses, and says what would be deleted: it alone knows. */
async function destroyCluster(command: Command, { client, deps, json }: CommandContext): Promise<number> {
  const { yesDeleteData, cluster } = command.opts<{ yesDeleteData?: true; cluster?: string }>();
  const params = { yesDeleteData, cluster };
  const answer = await client.post<{ cluster: string }>('/cluster/destroy', params);
  if (json) writeJson(deps, answer);
  else deps.stdout.write(`${answer.cluster} is being destroyed; \`node list\` shows what is left.\n`);
  return 0;
}
