import { launched, nextSteps, stepRequest, taskIdOf } from '../jobs/next-steps.ts';
import { encodeExecutorInfo } from '../mesos/messages.ts';
import type { Offer, TaskInfo } from '../mesos/types.ts';
import type { ClusterNode } from '../model/node.ts';
import { send, type SchedulerContext } from './context.ts';
import { matchOffer, type Launch, type Need } from './match-offer.ts';
import { launchableNodes, serverTaskId } from './node-lifecycle.ts';
import { executorInfoOf, serverTask, stepTask } from './task-info.ts';

/** Seconds for which an agent is not offered again: short while something is wanted elsewhere. */
const REFUSE_WANTED_SECONDS = 5;
const REFUSE_IDLE_SECONDS = 3600;

/** Everything that could be launched now, servers first. */
export function currentNeeds(context: SchedulerContext): Need[] {
  const nodes = context.state.nodes.all();
  const now = context.clock.now();
  const servers = launchableNodes(nodes, now).map((node): Need => ({ kind: 'server', node }));
  const job = context.jobs.running();
  const steps = job === null ? [] : nextSteps(job, nodes, now);
  return [
    ...servers,
    ...steps.flatMap(({ executorId, phaseIndex, stepIndex }): Need[] => {
      const node = nodes.find((candidate) => candidate.executorId === executorId);
      return node ? [{ kind: 'step', node, phaseIndex, stepIndex }] : [];
    }),
  ];
}

/** Uses or declines each offer. What is launched is stored before the master hears of it. */
export async function onOffers(context: SchedulerContext, offers: Offer[]): Promise<void> {
  for (const offer of offers) {
    const needs = currentNeeds(context);
    const { launches, reason } = matchOffer(offer, needs, context.state.nodes.all(), context.settings);
    const refuseSeconds = needs.length > launches.length ? REFUSE_WANTED_SECONDS : REFUSE_IDLE_SECONDS;
    if (launches.length === 0) {
      context.log.debug({ host: offer.hostname, reason }, 'offer declined');
      await send(context, { type: 'DECLINE', decline: { offerIds: [offer.id], filters: { refuseSeconds } } });
      continue;
    }
    const taskInfos = context.state.transaction(() => launches.map((launch) => recordLaunch(context, offer, launch)));
    context.log.info({ host: offer.hostname, tasks: taskInfos.map(({ taskId }) => taskId.value) }, 'launching');
    await send(context, {
      type: 'ACCEPT',
      accept: {
        offerIds: [offer.id],
        operations: [{ type: 'LAUNCH', launch: { taskInfos } }],
        filters: { refuseSeconds },
      },
    });
  }
}

function recordLaunch(context: SchedulerContext, offer: Offer, launch: Launch): TaskInfo {
  return launch.need.kind === 'server'
    ? recordServerLaunch(context, offer, launch)
    : recordStepLaunch(context, offer, launch.need);
}

function recordServerLaunch(context: SchedulerContext, offer: Offer, launch: Launch): TaskInfo {
  const { state, settings } = context;
  const before = launch.need.node;
  const ip = offer.url?.address.ip ?? offer.hostname;
  const ports = launch.ports ?? before.ports;
  if (ports === null) throw new Error(`no ports were chosen for ${before.executorId}`);
  const placed = {
    ...before,
    // A new executor is described anew; one that runs keeps its description.
    executorInfo: launch.newExecutor ? null : before.executorInfo,
    agentId: offer.agentId.value,
    hostname: offer.hostname,
    ip,
    ports,
    launches: before.launches + 1,
  };
  const taskId = serverTaskId(placed);
  const executor = executorOf(context, offer, placed);
  const node: ClusterNode = {
    ...placed,
    executorInfo: encodeExecutorInfo(executor),
    serverTaskId: taskId,
    serverState: 'LAUNCHING',
    launchNotBefore: null,
  };
  state.nodes.save(node);
  const seeds = state.nodes.all().flatMap((other) => (other.seed && other.ip !== null ? [other.ip] : []));
  return serverTask(taskId, placed, seeds, { offer, executor, settings });
}

function recordStepLaunch(context: SchedulerContext, offer: Offer, need: Need & { kind: 'step' }): TaskInfo {
  const job = context.jobs.running();
  if (job === null) throw new Error('the job ended while its step was being launched');
  const { phaseIndex, stepIndex } = need;
  const taskId = taskIdOf(job, phaseIndex, stepIndex);
  const request = stepRequest(job, phaseIndex, stepIndex, context.settings.clusterName);
  context.jobs.update(job.id, (current) => launched(current, phaseIndex, stepIndex, taskId, context.clock.now()));
  const executor = executorOf(context, offer, need.node);
  return stepTask(taskId, request, { offer, executor, settings: context.settings });
}

function executorOf(context: SchedulerContext, offer: Offer, node: ClusterNode) {
  const role = offer.allocationInfo?.role ?? '*';
  return executorInfoOf(node, offer.frameworkId.value, context.settings, role);
}
