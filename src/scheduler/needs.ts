import { nextSteps, type NextStep } from '../jobs/next-steps.ts';
import { isLaunchable } from '../jobs/request-credentials.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import { isMember, isNodeReady, type ClusterNode } from '../model/node.ts';
import type { WaitingNeed } from '../model/offer-report.ts';
import type { SchedulerContext } from './context.ts';
import { launchableNodes } from './node-lifecycle.ts';
import { isToBeReleased } from './reservation.ts';
import type { Need } from './wanted.ts';

/** Everything that could be done now, servers first. */
export function currentNeeds({ state, jobs, clock }: Pick<SchedulerContext, 'state' | 'jobs' | 'clock'>): Need[] {
  const nodes = state.nodes.all();
  const now = clock.now();
  const servers = launchableNodes(nodes, now).map((node): Need => ({ kind: 'server', node }));
  const releases = nodes.filter(isToBeReleased).map((node): Need => ({ kind: 'release', node }));
  const job = jobs.running();
  const steps = job === null ? [] : nextSteps(job, nodes, now).flatMap((step) => stepNeed({ state, jobs }, job, step));
  return [...servers, ...steps, ...releases];
}

function stepNeed(
  { state, jobs }: Pick<SchedulerContext, 'state' | 'jobs'>,
  job: ClusterJob,
  { executorId, phaseIndex, stepIndex }: NextStep,
): Need[] {
  const node = state.nodes.get(executorId);
  const phase = job.phases[phaseIndex];
  if (!node || !phase || !isLaunchable(job, phase, node, jobs.credentialsOf(job.id))) return [];
  return [{ kind: 'step', node, phaseIndex, stepIndex }];
}

/** What is wanted and not there yet, and what each waits for; for operators. */
export function waitingNeeds(context: SchedulerContext): WaitingNeed[] {
  const { state, clock, lastOffers } = context;
  const needs = currentNeeds(context);
  const ready = new Set(needs.filter(({ kind }) => kind === 'server').map(({ node }) => node.executorId));
  const nodes = state.nodes.all();
  const later = nodes.filter(
    ({ executorId, targetRunState, serverState }) =>
      targetRunState === 'RUN' && serverState === 'NONE' && !ready.has(executorId),
  );
  return [
    ...needs.map((need) => ({
      executorId: need.node.executorId,
      kind: need.kind,
      reason: lastOffers.reasonOf(need) ?? noOfferYet(need.node),
    })),
    ...later.map((node) => ({
      executorId: node.executorId,
      kind: 'server' as const,
      reason: whyLater(node, nodes, clock.now()),
    })),
  ];
}

function noOfferYet({ agentId, hostname }: ClusterNode): string {
  return hostname === null ? 'no offer came yet' : `waits for an offer of ${hostname} (agent ${agentId ?? 'unknown'})`;
}

function whyLater(node: ClusterNode, nodes: ClusterNode[], now: number): string {
  if (node.launchNotBefore !== null && node.launchNotBefore > now) {
    return `tried again at ${new Date(node.launchNotBefore).toISOString()}: ${node.lastError ?? 'it ended'}`;
  }
  const others = nodes.filter((other) => isMember(other) && other.number !== node.number);
  if (node.bootstrapped || node.replaces !== null) {
    const seeds = others.filter(({ seed }) => seed).map(({ executorId }) => executorId);
    return `waits until a seed is NORMAL: ${seeds.join(', ') || 'there is none'}`;
  }
  const missing = others.filter((other) => other.number < node.number && !isNodeReady(other));
  const first = missing[0] ?? others.find((other) => !other.bootstrapped && other.serverState !== 'NONE');
  return first
    ? `waits until ${first.executorId} is NORMAL: nodes join one at a time`
    : 'waits for its turn: nodes join one at a time';
}
