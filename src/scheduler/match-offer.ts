import type { Offer, Resource } from '../mesos/types.ts';
import type { ClusterNode } from '../model/node.ts';
import { holderOf, ownOf, supplyFor, volumeIdOf } from './claims.ts';
import { violated } from './constraints.ts';
import { factsOfOffer } from './fault-domain.ts';
import type { Refusal } from './refusal.ts';
import { releaseOf, type Release } from './reservation.ts';
import { serverShare, stepShare, type ServerShare } from './server-share.ts';
import type { SchedulerSettings } from './settings.ts';
import type { Need, Wanted } from './wanted.ts';

type ServerNeed = Need & { kind: 'server' };
type StepNeed = Need & { kind: 'step' };

/** `newExecutor`: the executor is to be started with it. */
export interface ServerLaunch {
  kind: 'server';
  need: ServerNeed;
  newExecutor: boolean;
  share: ServerShare;
}

/** Always on the executor that runs. */
export interface StepLaunch {
  kind: 'step';
  need: StepNeed;
  resources: Resource[];
}

export type Launch = ServerLaunch | StepLaunch;

export interface Declined extends Refusal {
  need: Need;
}

export interface Match {
  launches: Launch[];
  releases: (Release & { need: Need })[];
  declined: Declined[];
  /** Why the rest of the offer was not used; shown to operators. */
  reason: string;
  /** Something is wanted that a later offer of this agent may give. */
  soon: boolean;
}

/**
 * Decides what to do with one offer. One node a host. A node with a place only goes to that host: its data are there.
 * Pure; the caller stores the decision before it sends it, and tells `wanted` what was met.
 */
export function matchOffer(offer: Offer, wanted: Wanted, settings: SchedulerSettings): Match {
  const match: Match = { launches: [], releases: [], declined: [], reason: '', soon: false };
  let placing: ClusterNode | null = wanted.memberAt(offer) ?? null;
  // What one launch has taken is not there for the next one.
  let { resources } = offer;
  for (const need of wanted.at(offer)) {
    if (need.kind === 'release') {
      decideRelease(match, need, offer, settings);
      continue;
    }
    if (placing !== null && need.node.executorId !== placing.executorId) continue;
    const decided = decideLaunch(need, { offer, resources, settings, wanted });
    if ('reason' in decided) {
      match.declined.push({ need, ...decided });
      continue;
    }
    match.launches.push(decided.launch);
    placing = need.node;
    resources = decided.left;
  }
  const soon = match.releases.length > 0 || match.declined.some(({ final }) => !final);
  return { ...match, soon, reason: reasonOf(match, offer, wanted) };
}

function decideRelease(match: Match, need: Need, offer: Offer, { role }: SchedulerSettings): void {
  const runs = offer.executorIds.some(({ value }) => value === need.node.executorId);
  const against = runs ? 'its executor still runs' : role === '*' ? 'only offers to its --role hold its volumes' : null;
  if (against === null) match.releases.push({ ...releaseOf(need.node, offer), need });
  else match.declined.push({ need, reason: against, final: !runs });
}

interface Ground {
  offer: Offer;
  /** What is left of the offer. */
  resources: Resource[];
  settings: SchedulerSettings;
  wanted: Wanted;
}

function decideLaunch(need: ServerNeed | StepNeed, ground: Ground): { launch: Launch; left: Resource[] } | Refusal {
  const { offer, resources, settings } = ground;
  const { executorId, hostname, executorInfo } = need.node;
  const executorRuns = offer.executorIds.some(({ value }) => value === executorId);
  // Without the volumes and resources of its description it would be another executor.
  if (executorRuns && executorInfo === null) {
    return { reason: 'waits for the end of an executor of which nobody knows how it was started', final: false };
  }
  const supply = supplyFor(executorId, { resources });
  const notOurs = resources.filter((resource) => !supply.parts.includes(resource));
  if (need.kind === 'step') {
    if (!executorRuns) return { reason: 'its executor does not run here', final: false };
    const share = stepShare(supply, settings);
    if ('reason' in share) return share;
    return {
      launch: { kind: 'step', need, resources: share },
      left: [...supply.parts, ...notOurs],
    };
  }
  const against = hostname === null ? constraintAgainst(ground) : null;
  if (against !== null) return { reason: against, final: true };
  const volumes = ownOf(executorId, { resources }).filter((resource) => volumeIdOf(resource) !== null);
  const newExecutor = !executorRuns;
  const share = serverShare(supply, { node: need.node, settings, newExecutor, volumes });
  if ('reason' in share) return share;
  const left = [...supply.parts, ...notOurs.filter((resource) => !share.executor.includes(resource))];
  return { launch: { kind: 'server', need, newExecutor, share }, left };
}

function constraintAgainst({ offer, settings, wanted }: Ground): string | null {
  if (settings.constraints.length === 0) return null;
  const facts = factsOfOffer(offer);
  const against = settings.constraints.map((constraint) => violated(constraint, facts, wanted.facts()));
  return against.find((reason) => reason !== null) ?? null;
}

function reasonOf({ launches, releases, declined }: Match, offer: Offer, wanted: Wanted): string {
  const parts = [
    ...declined.map(({ need, reason }) => `${need.node.executorId} (${need.kind}): ${reason}`),
    ...strangersIn(offer, wanted),
  ];
  if (parts.length > 0) return parts.join('; ');
  if (launches.length > 0 || releases.length > 0) return 'used';
  if (wanted.isEmpty) return 'nothing to launch';
  const here = wanted.memberAt(offer);
  return here ? `nothing to launch for ${here.executorId}, which has this host` : 'all nodes have a host';
}

/** What is reserved for a node that does not live here. Nobody but an operator may say that it is not needed. */
function strangersIn(offer: Offer, wanted: Wanted): string[] {
  const holders = new Set(offer.resources.flatMap((resource) => holderOf(resource) ?? []));
  return [...holders].flatMap((holder) => {
    const node = wanted.node(holder);
    if (node && (node.hostname === null || node.hostname === offer.hostname || node.agentId === offer.agentId.value)) {
      return [];
    }
    const who = node ? `which lives on ${node.hostname}` : 'which this cluster does not know';
    return [`something is reserved for ${holder}, ${who}: it is never deleted by itself`];
  });
}
