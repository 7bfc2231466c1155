import type { Command } from 'commander';
import { writeJson, type Action, type CommandContext, type Register } from '../action.ts';
import { finishJob } from '../wait.ts';
import { describeNodes, type NodesView } from '../node-report.ts';

/** Each order answers with those of these that concern it. */
interface NodeAnswer {
  executorId: string;
  targetRunState: string;
  replacement: string;
  success: boolean;
}

const ORDERS = {
  stop: 'Stop Cassandra on a node; it stays down until it is started again.',
  start: 'Start Cassandra on a node that was stopped.',
  restart: 'Stop Cassandra on a node and start it again.',
};

export function addNodeCommands(program: Command, register: Register): void {
  const group = program.command('node').description('See, stop, start, replace and remove nodes.');
  const nodeCommand = (name: string, description: string) =>
    group.command(name).description(description).argument('<node>', 'executor id, hostname or ip');
  register(group.command('list').description('Show all nodes.'), listNodes);
  for (const [order, description] of Object.entries(ORDERS)) {
    const command = nodeCommand(order, description);
    register(command, (context) =>
      postToNode(command, order, context, ({ executorId, targetRunState }) => {
        return `${executorId} is to ${targetRunState}; \`node list\` shows how far it is.`;
      }),
    );
  }
  const replace = nodeCommand('replace', 'Give the place and the tokens of a dead node to a new one.');
  register(replace, (context) =>
    postToNode(replace, 'replace', context, (answer) => {
      return `${answer.replacement} takes the place of ${answer.executorId}; \`node list\` shows how far it is.`;
    }),
  );
  const remove = nodeCommand(
    'remove',
    'Take a node out of the ring, or what is left of a former one, and delete its data.',
  )
    .option('--yes-delete-data', 'yes, its data may be deleted for good; without it only told what would happen')
    .option('--wait', 'show the progress until the node is out; the exit code is the result');
  register(remove, (context) => removeNode(remove, context));
  for (const seed of [true, false]) {
    const order = seed ? 'make-seed' : 'make-non-seed';
    const command = nodeCommand(order, seed ? 'Make a node a seed.' : 'Make a node no seed; the last one stays.');
    register(command, (context) =>
      postToNode(command, order, context, ({ executorId, success }) => {
        const what = seed ? 'a seed' : 'no seed';
        return success ? `${executorId} is ${what} now.` : `${executorId} was ${what} already.`;
      }),
    );
  }
}

const listNodes: Action = async ({ client, deps, json }) => {
  const answer = await client.get<NodesView>('/node/all');
  if (json) writeJson(deps, answer);
  else deps.stdout.write(describeNodes(answer));
  return 0;
};

function pathOf(command: Command, order: string): string {
  return `/node/${encodeURIComponent(command.args[0] ?? '')}/${order}`;
}

async function postToNode(
  command: Command,
  order: string,
  { client, deps, json }: CommandContext,
  tell: (answer: NodeAnswer) => string,
): Promise<number> {
  const answer = await client.post<NodeAnswer>(pathOf(command, order));
  if (json) writeJson(deps, answer);
  else deps.stdout.write(`${tell(answer)}\n`);
  return 0;
}

/** Without the yes the scheduler refuses, and says what would be deleted: it alone knows. */
async function removeNode(command: Command, context: CommandContext): Promise<number> {
  const { client, deps, json } = context;
  const { yesDeleteData, wait = false } = command.opts<{ yesDeleteData?: true; wait?: boolean }>();
  const answer = await client.post<{ executorId: string; job: number | null }>(pathOf(command, 'remove'), {
    yesDeleteData,
  });
  const { executorId, job } = answer;
  if (wait && job !== null) return finishJob(job, context);
  if (json) writeJson(deps, answer);
  else if (job === null) deps.stdout.write(`What is left of ${executorId} is deleted when its agent offers it.\n`);
  else deps.stdout.write(`Started removal of ${executorId} as job ${job}; \`removal status\` shows it.\n`);
  return 0;
}
