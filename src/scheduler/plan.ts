// What follows from a decision on an offer: what is to be stored of it, and then what the master is to be told.
import { launched, stepRequest, taskIdOf } from '../jobs/next-steps.ts';
import { encodeExecutorInfo } from '../mesos/messages.ts';
import type { Offer, OfferOperation } from '../mesos/types.ts';
import type { ClusterNode } from '../model/node.ts';
import type { SchedulerContext } from './context.ts';
import { attributesOf, placeNames } from './fault-domain.ts';
import { schedulerId } from './framework-id.ts';
import { launchSettings, numTokensOf } from './launch-settings.ts';
import type { Launch, ServerLaunch, StepLaunch } from './match-offer.ts';
import { serverTaskId } from './node-lifecycle.ts';
import { launchOperations, releaseOperations, withoutVolumes, type Release } from './reservation.ts';
import { sealedCredentials } from './sealed-credentials.ts';
import { seedsFor } from './seeds.ts';
import { executorInfoOf, serverTask, stepTask } from './task-info.ts';
import type { Need } from './wanted.ts';

export interface Plan {
  need: Need;
  /** As it is once this is stored. */
  node: ClusterNode;
  taskId: string | null;
  store: () => void;
  operations: OfferOperation[];
}

/** What is not in the offer of its own agent, while nothing of the node runs there, is gone. */
export function planRelease({ state }: SchedulerContext, release: Release & { need: Need }): Plan {
  const { need, node: before, destroy, unreserve } = release;
  const nothingLeft = destroy.length === 0 && unreserve.length === 0;
  const node = nothingLeft
    ? { ...before, reservation: null }
    : { ...withoutVolumes(before, destroy), launches: before.launches + 1 };
  const operations = releaseOperations(node, release);
  return { need, node, taskId: null, store: () => state.nodes.save(node), operations };
}

export function planLaunch(context: SchedulerContext, offer: Offer, launch: Launch): Plan {
  return launch.kind === 'server' ? planServer(context, offer, launch) : planStep(context, offer, launch);
}

function planServer(context: SchedulerContext, offer: Offer, { need, newExecutor, share }: ServerLaunch): Plan {
  const { state, settings } = context;
  const before = need.node;
  const attributes = attributesOf(offer);
  const placed = {
    ...before,
    // A new executor is described anew; one that runs keeps its description.
    executorInfo: newExecutor ? null : before.executorInfo,
    agentId: offer.agentId.value,
    hostname: offer.hostname,
    ip: offer.url?.address.ip ?? offer.hostname,
    ports: share.ports,
    launches: before.launches + 1,
    attributes,
    ...placeNames(before, attributes, settings),
    reservation: share.reservation,
    launchedWith: { ...launchSettings(settings), numTokens: numTokensOf(before, settings) },
  };
  const taskId = serverTaskId(placed);
  const executor = executorInfoOf(placed, offer.frameworkId.value, settings, share.executor);
  const node: ClusterNode = {
    ...placed,
    executorInfo: encodeExecutorInfo(executor),
    serverTaskId: taskId,
    serverState: 'LAUNCHING',
    launchNotBefore: null,
  };
  const seeds = [...seedsFor(placed, state.nodes.all()), ...(context.externalSeeds?.seeds ?? [])];
  const taskInfo = serverTask(taskId, placed, seeds, { offer, executor, settings, resources: share.task });
  return {
    need,
    node,
    taskId,
    store: () => state.nodes.save(node),
    operations: launchOperations(node, share, [taskInfo]),
  };
}

function planStep(context: SchedulerContext, offer: Offer, { need, resources }: StepLaunch): Plan {
  const { settings, jobs, clock } = context;
  const job = jobs.running();
  if (job === null) throw new Error('the job ended while its step was being launched');
  const { phaseIndex, stepIndex, node } = need;
  const taskId = taskIdOf(job, phaseIndex, stepIndex);
  const request = {
    ...stepRequest(job, phaseIndex, stepIndex, settings.clusterName),
    scheduler: schedulerId(context.state),
    ...sealedCredentials(context, job, need, taskId),
  };
  const executor = executorInfoOf(node, offer.frameworkId.value, settings, []);
  const taskInfo = stepTask(taskId, request, { offer, executor, settings, resources });
  return {
    need,
    node,
    taskId,
    store: () => void jobs.update(job.id, (current) => launched(current, phaseIndex, stepIndex, taskId, clock.now())),
    operations: [{ type: 'LAUNCH', launch: { taskInfos: [taskInfo] } }],
  };
}
