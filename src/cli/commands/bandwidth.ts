import type { Command } from 'commander';
import { OperatorError } from '../../errors.ts';
import { writeJson, type CommandContext, type Register } from '../action.ts';
import { bytes } from '../format.ts';
import type { JobKind } from '../job-kinds.ts';
import type { JobView } from '../job-view.ts';

interface Answer {
  job: number;
  bandwidth: number | null;
  clusterBandwidth: number | null;
}

/** `backup bandwidth 50MB/s`: how fast the job that runs may go on. */
export function addBandwidthCommand(group: Command, register: Register, kind: JobKind): void {
  const command = group
    .command('bandwidth')
    .description(`Change how many bytes per second the running ${kind.noun} may move.`)
    .argument('[rate]', 'on each node, such as 50MB/s; none for no limit')
    .option('--cluster-bandwidth <rate>', 'on all nodes together; none for no limit');
  register(command, (context) => changeBandwidth(kind, command, context));
}

async function changeBandwidth({ path, key, noun }: JobKind, command: Command, { client, deps, json }: CommandContext) {
  const [bandwidth] = command.args;
  const { clusterBandwidth } = command.opts<{ clusterBandwidth?: string }>();
  if (bandwidth === undefined && clusterBandwidth === undefined) {
    throw new OperatorError('BAD_REQUEST', 'Expected a rate such as 50MB/s, or --cluster-bandwidth, got neither');
  }
  const status = await client.get<Record<string, unknown>>(`/cluster/${path}/status`);
  const job = (status[key] ?? null) as JobView | null;
  if (job === null) throw new OperatorError('JOB_ENDED', `No ${noun} is running: only a running one can be limited`);
  const answer = await client.post<Answer>(`/cluster/jobs/${job.id}/bandwidth`, { bandwidth, clusterBandwidth });
  if (json) writeJson(deps, answer);
  else
    deps.stdout.write(
      `Job ${answer.job}: ${limit(answer.bandwidth)} on each node, ${limit(answer.clusterBandwidth)} on all together.\n`,
    );
  return 0;
}

function limit(rate: number | null): string {
  return rate === null ? 'no limit' : `at most ${bytes(rate)}/s`;
}
