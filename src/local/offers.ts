// Offers on their way: sent, taken back, answered.
import type { Filters, Offer } from '../mesos/types.ts';
import { allocations, type Allocation, type Candidate } from './allocator.ts';
import type { MasterContext } from './master-context.ts';
import { freeResources, rolesOf, type Framework, type OutstandingOffer, type RegisteredAgent } from './master-state.ts';
import { inOfferOrder, withRole } from './resources.ts';
import { after } from './timer.ts';

/** Mesos's default for Filters.refuse_seconds. */
const DEFAULT_REFUSE_SECONDS = 5;

/** Offers the free resources of these agents to the frameworks that may have them. */
export function offerFreeResources(context: MasterContext, agentIds: Iterable<string>): void {
  const { state, settings } = context;
  const now = settings.clock.now();
  const waiting = candidates(context);
  if (waiting.length === 0) return;
  const agents = [...agentIds].flatMap((agentId) => {
    const agent = state.agents.get(agentId);
    return agent?.connected ? [{ agentId, free: freeResources(agent) }] : [];
  });
  const offers = new Map<Framework, Offer[]>();
  for (const allocation of allocations(agents, waiting, now)) {
    const framework = state.frameworks.get(allocation.frameworkId);
    const agent = state.agents.get(allocation.agentId);
    if (!framework || !agent) continue;
    const made = offers.get(framework) ?? [];
    made.push(makeOffer(context, { framework, agent }, allocation));
    offers.set(framework, made);
  }
  for (const [framework, made] of offers) context.send(framework, { type: 'OFFERS', offers: { offers: made } });
}

/** Agents of which something is not refused any more. */
export function expireRefusals({ state, settings }: MasterContext): string[] {
  const now = settings.clock.now();
  return [...state.frameworks.values()].flatMap(({ refusals }) => refusals.expire(now));
}

/** Frameworks that are subscribed, in the roles that want offers; who runs least is asked first. */
function candidates({ state }: MasterContext): Candidate[] {
  return [...state.frameworks.values()]
    .filter(({ subscription }) => subscription)
    .sort((a, b) => a.tasks.size - b.tasks.size)
    .flatMap((framework) =>
      rolesOf(framework)
        .filter((role) => !framework.suppressed.has(role))
        .map((role) => ({ frameworkId: framework.id, role, refusals: framework.refusals })),
    );
}

function makeOffer(
  context: MasterContext,
  { framework, agent }: { framework: Framework; agent: RegisteredAgent },
  { role, ...allocation }: Allocation,
): Offer {
  const { state, settings, signal } = context;
  const { clock, offerTimeoutMs } = settings;
  const id = context.newId('offer');
  const resources = inOfferOrder(allocation.resources);
  const expire = () => rescind(context, [offer]);
  const cancelTimer = offerTimeoutMs === undefined ? () => {} : after(clock, offerTimeoutMs, expire, signal);
  const offer = { id, frameworkId: framework.id, agentId: agent.id, role, resources, cancelTimer };
  state.offers.set(id, offer);
  agent.offers.add(offer);
  framework.offers.add(offer);
  const { hostname, port = 0, attributes = [], domain } = agent.info;
  return {
    id: { value: id },
    frameworkId: { value: framework.id },
    agentId: { value: agent.id },
    hostname,
    url: { scheme: 'http', address: { hostname, ip: agent.ip, port }, path: '/slave(1)' },
    resources: withRole(resources, role),
    attributes,
    executorIds: agent.executors
      .filter(({ frameworkId }) => frameworkId === framework.id)
      .map(({ info }) => info.executorId),
    allocationInfo: { role },
    ...(domain ? { domain } : {}),
  };
}

/** The offer is answered, or nobody is there to answer it: its resources are free again. */
export function removeOffer(context: Pick<MasterContext, 'state' | 'touch'>, offer: OutstandingOffer): void {
  const { state } = context;
  offer.cancelTimer();
  state.offers.delete(offer.id);
  state.agents.get(offer.agentId)?.offers.delete(offer);
  state.frameworks.get(offer.frameworkId)?.offers.delete(offer);
  context.touch(offer.agentId);
}

/** Takes offers back, and says so. */
export function rescind(context: MasterContext, offers: Iterable<OutstandingOffer>): void {
  for (const offer of offers) {
    if (!context.state.offers.has(offer.id)) continue;
    removeOffer(context, offer);
    const framework = context.state.frameworks.get(offer.frameworkId);
    if (framework) context.send(framework, { type: 'RESCIND', rescind: { offerId: { value: offer.id } } });
  }
}

/** The framework does not want to see these resources of the agent for a while. */
export function refuse(
  { settings }: MasterContext,
  { refusals }: Framework,
  { agentId, role, resources }: Pick<OutstandingOffer, 'agentId' | 'role' | 'resources'>,
  filters: Filters | undefined,
): void {
  const seconds = filters?.refuseSeconds ?? DEFAULT_REFUSE_SECONDS;
  if (seconds <= 0 || resources.length === 0) return;
  refusals.add(role, agentId, { resources, until: settings.clock.now() + seconds * 1000 });
}
