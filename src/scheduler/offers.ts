import { encodeExecutorInfo } from '../mesos/messages.ts';
import { launched, stepRequest, taskIdOf } from '../jobs/next-steps.ts';
import type { Offer, OfferOperation, Resource, SchedulerCall, TaskInfo } from '../mesos/types.ts';
import type { ClusterNode } from '../model/node.ts';
import { send, type SchedulerContext } from './context.ts';
import { attributesOf, placeNames } from './fault-domain.ts';
import { launchSettings, numTokensOf } from './launch-settings.ts';
import { matchOffer, type Launch, type Match, type StepNeed } from './match-offer.ts';
import { currentNeeds } from './needs.ts';
import { serverTaskId } from './node-lifecycle.ts';
import { launchOperations, releaseOperations, seenInOffer } from './reservation.ts';
import { seedsFor } from './seeds.ts';
import { executorInfoOf, serverTask, stepTask } from './task-info.ts';
import { Wanted } from './wanted.ts';

/** How long an agent is not offered again: short while it may yet give what is wanted of it. REVIVE ends both. */
const SHORT_REFUSAL_SECONDS = 5;
const LONG_REFUSAL_SECONDS = 4 * 3600;

/**
 * Uses or declines each offer. All is decided and stored before the master hears of any: nothing can change in
 * between. What is declined for the same time goes in one call, and touches no file.
 */
export async function onOffers(context: SchedulerContext, offers: Offer[]): Promise<void> {
  const wanted = new Wanted(currentNeeds(context), context.state.nodes.all());
  const accepts: SchedulerCall[] = [];
  const declined = { short: [] as Offer[], long: [] as Offer[] };
  for (const offer of offers) {
    noteVolumes(context, offer, wanted);
    const match = matchOffer(offer, wanted, context.settings);
    const operations = carryOut(context, offer, match, wanted);
    if (operations.length === 0) (match.soon ? declined.short : declined.long).push(offer);
    else accepts.push(acceptOf(offer, operations, match.soon));
    remember(context, offer, match, operations);
  }
  for (const call of accepts) await send(context, call);
  await decline(context, declined.short, SHORT_REFUSAL_SECONDS);
  await decline(context, declined.long, LONG_REFUSAL_SECONDS);
}

function acceptOf(offer: Offer, operations: OfferOperation[], soon: boolean): SchedulerCall {
  const filters = { refuseSeconds: soon ? SHORT_REFUSAL_SECONDS : LONG_REFUSAL_SECONDS };
  return { type: 'ACCEPT', accept: { offerIds: [offer.id], operations, filters } };
}

async function decline(context: SchedulerContext, offers: Offer[], refuseSeconds: number): Promise<void> {
  if (offers.length === 0) return;
  context.log.debug({ offers: offers.length, refuseSeconds }, 'offers declined');
  const offerIds = offers.map(({ id }) => id);
  await send(context, { type: 'DECLINE', decline: { offerIds, filters: { refuseSeconds } } });
}

/** A node's volumes in an offer prove that they were made, whatever became of the news of it. */
function noteVolumes({ state }: SchedulerContext, offer: Offer, wanted: Wanted): void {
  const node = wanted.memberAt(offer);
  if (!node) return;
  const after = seenInOffer(node, offer);
  if (after === node) return;
  state.nodes.save(after);
  wanted.changed(after);
}

/** Stores what was decided; returns what the master is to be told. */
function carryOut(context: SchedulerContext, offer: Offer, match: Match, wanted: Wanted): OfferOperation[] {
  if (match.launches.length === 0 && match.releases.length === 0) return [];
  return context.state.transaction(() => [
    ...match.releases.flatMap((release) => {
      // What is not in the offer of its own agent while nothing of it runs there is gone.
      const nothingLeft = release.destroy.length === 0 && release.unreserve.length === 0;
      const { node: before } = release;
      const node = nothingLeft ? { ...before, reservation: null } : { ...before, launches: before.launches + 1 };
      context.state.nodes.save(node);
      wanted.met(release.need, node);
      return releaseOperations(node, release);
    }),
    ...match.launches.flatMap((launch) => {
      const { node, taskInfo, reserve, create } = recordLaunch(context, offer, launch);
      wanted.met(launch.need, node);
      return launchOperations(node, { reserve, create }, [taskInfo]);
    }),
  ]);
}

/** Why an offer was, or was not, used: for operators. */
function remember({ lastOffers, log }: SchedulerContext, offer: Offer, match: Match, done: OfferOperation[]): void {
  const tasks = done.flatMap((operation) => (operation.type === 'LAUNCH' ? operation.launch.taskInfos : []));
  const { reason, launches, releases, declined } = match;
  const taskIds = tasks.map(({ taskId }) => taskId.value);
  if (done.length > 0) {
    const operations = done.map(({ type }) => type);
    log.info({ host: offer.hostname, tasks: taskIds, operations }, 'using an offer');
  }
  lastOffers.record({ agentId: offer.agentId.value, hostname: offer.hostname, launched: taskIds, reason });
  for (const { need } of [...launches, ...releases]) lastOffers.met(need);
  for (const { need, reason: why } of declined) lastOffers.declined(need, `${offer.hostname}: ${why}`);
}

interface Recorded {
  node: ClusterNode;
  taskInfo: TaskInfo;
  reserve: Resource[];
  create: Resource[];
}

function recordLaunch(context: SchedulerContext, offer: Offer, launch: Launch): Recorded {
  return launch.kind === 'server'
    ? recordServerLaunch(context, offer, launch)
    : recordStepLaunch(context, offer, launch.need, launch.resources);
}

function recordServerLaunch(
  context: SchedulerContext,
  offer: Offer,
  { need, newExecutor, share }: Launch & { kind: 'server' },
): Recorded {
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
  state.nodes.save(node);
  const seeds = [...seedsFor(placed, state.nodes.all()), ...(context.externalSeeds?.seeds ?? [])];
  const taskInfo = serverTask(taskId, placed, seeds, { offer, executor, settings, resources: share.task });
  return { node, taskInfo, reserve: share.reserve, create: share.create };
}

function recordStepLaunch(context: SchedulerContext, offer: Offer, need: StepNeed, resources: Resource[]): Recorded {
  const { settings, jobs, clock } = context;
  const job = jobs.running();
  if (job === null) throw new Error('the job ended while its step was being launched');
  const { phaseIndex, stepIndex, node } = need;
  const taskId = taskIdOf(job, phaseIndex, stepIndex);
  const request = stepRequest(job, phaseIndex, stepIndex, settings.clusterName);
  jobs.update(job.id, (current) => launched(current, phaseIndex, stepIndex, taskId, clock.now()));
  const executor = executorInfoOf(node, offer.frameworkId.value, settings, []);
  const taskInfo = stepTask(taskId, request, { offer, executor, settings, resources });
  return { node, taskInfo, reserve: [], create: [] };
}
