// Offers on their way: sent, taken back, answered.
import type { Filters, Offer } from '../mesos/types.ts';
import { allocations, type Allocation, type Candidate } from './allocator.ts';
import type { MasterContext } from './master-context.ts';
import { freeResources, roleOf, type Framework, type OutstandingOffer } from './master-state.ts';
import { allocate } from './resources.ts';
import { after } from './timer.ts';

/** Mesos's default for Filters.refuse_seconds. */
const DEFAULT_REFUSE_SECONDS = 5;

/** Offers every agent's free resources to a framework that may have them. */
export function offerFreeResources(context: MasterContext): void {
  const { state, settings } = context;
  const now = settings.clock.now();
  const agents = [...state.agents.values()]
    .filter(({ connected }) => connected)
    .map((agent) => ({ agentId: agent.id, free: freeResources(state, agent) }));
  const allocated = allocations(agents, candidates(context, now), now);
  for (const framework of state.frameworks.values()) {
    const offers = allocated
      .filter(({ frameworkId }) => frameworkId === framework.id)
      .map((allocation) => makeOffer(context, framework, allocation));
    if (offers.length > 0) context.send(framework, { type: 'OFFERS', offers: { offers } });
  }
}

/** Frameworks that are subscribed; who runs least is asked first. */
function candidates({ state }: MasterContext, now: number): Candidate[] {
  const subscribed = [...state.frameworks.values()].filter(({ subscription }) => subscription);
  return subscribed
    .sort((a, b) => a.tasks.size - b.tasks.size)
    .map((framework) => {
      framework.filters = framework.filters.filter(({ until }) => until > now);
      return {
        frameworkId: framework.id,
        suppressed: framework.suppressed,
        filters: framework.filters,
        offered: new Set(offersTo(state, framework).map(({ agentId }) => agentId)),
      };
    });
}

function makeOffer(context: MasterContext, framework: Framework, { agentId, resources }: Allocation): Offer {
  const { state, settings, signal } = context;
  const { clock, offerTimeoutMs } = settings;
  const id = context.newId('offer');
  const expire = () => {
    const offer = state.offers.get(id);
    if (offer) rescind(context, [offer]);
    context.allocateSoon();
  };
  const cancelTimer = offerTimeoutMs === undefined ? () => {} : after(clock, offerTimeoutMs, expire, signal);
  state.offers.set(id, { id, frameworkId: framework.id, agentId, resources, cancelTimer });
  const agent = state.agents.get(agentId);
  const address = { hostname: agent?.info.hostname ?? '', ip: agent?.ip ?? '', port: agent?.info.port ?? 0 };
  return {
    id: { value: id },
    frameworkId: { value: framework.id },
    agentId: { value: agentId },
    hostname: address.hostname,
    url: { scheme: 'http', address, path: '/slave(1)' },
    resources: allocate(resources, roleOf(framework)),
    attributes: agent?.info.attributes ?? [],
    executorIds: (agent?.executors ?? [])
      .filter(({ frameworkId }) => frameworkId === framework.id)
      .map(({ info }) => info.executorId),
    allocationInfo: { role: roleOf(framework) },
  };
}

export function offersTo(state: MasterContext['state'], framework: Framework): OutstandingOffer[] {
  return [...state.offers.values()].filter(({ frameworkId }) => frameworkId === framework.id);
}

/** The offer is answered, or nobody is there to answer it: its resources are free again. */
export function removeOffer({ state }: Pick<MasterContext, 'state'>, offer: OutstandingOffer): void {
  offer.cancelTimer();
  state.offers.delete(offer.id);
}

/** Takes offers back, and says so. */
export function rescind(context: MasterContext, offers: readonly OutstandingOffer[]): void {
  for (const offer of offers) {
    removeOffer(context, offer);
    const framework = context.state.frameworks.get(offer.frameworkId);
    if (framework) context.send(framework, { type: 'RESCIND', rescind: { offerId: { value: offer.id } } });
  }
}

/** The framework does not want to see these resources of the agent for a while. */
export function refuse(
  { settings }: MasterContext,
  framework: Framework,
  { agentId, resources }: Pick<OutstandingOffer, 'agentId' | 'resources'>,
  filters: Filters | undefined,
): void {
  const seconds = filters?.refuseSeconds ?? DEFAULT_REFUSE_SECONDS;
  if (seconds <= 0 || resources.length === 0) return;
  framework.filters.push({ agentId, resources, until: settings.clock.now() + seconds * 1000 });
}
