import type { Id, Offer, SchedulerCall } from '../mesos/types.ts';
import type { ClusterNode } from '../model/node.ts';
import { send, type SchedulerContext } from './context.ts';
import { comingSoon, type Coming } from './kept-offers.ts';
import { matchOffer, type Match } from './match-offer.ts';
import { currentNeeds } from './needs.ts';
import { planLaunch, planRelease, type Plan } from './plan.ts';
import { seenInOffer } from './reservation.ts';
import { Wanted } from './wanted.ts';

/** How long an agent is not offered again: short while it may yet give what is wanted of it. REVIVE ends both. */
const SHORT_REFUSAL_SECONDS = 5;
const LONG_REFUSAL_SECONDS = 4 * 3600;

interface Decisions {
  /** What is to be stored before any call is sent. */
  stores: (() => void)[];
  calls: SchedulerCall[];
}

/** So many offers are decided on in one go: then others, the API above all, have their turn. */
const AT_ONCE = 250;

/** Uses or declines each offer. */
export async function onOffers(context: SchedulerContext, offers: Offer[]): Promise<void> {
  for (let from = 0; from < offers.length; from += AT_ONCE) {
    await decideOn(context, offers.slice(from, from + AT_ONCE));
  }
}

/**
 * All are decided on at once, stored in one transaction, and then sent: nothing can change in between, and declining
 * touches no file.
 */
async function decideOn(context: SchedulerContext, offers: Offer[]): Promise<void> {
  const { stores, calls } = decide(context, offers);
  const { unsent } = context;
  for (const taskId of calls.flatMap(launchedBy)) unsent?.add(taskId);
  if (stores.length > 0) {
    context.state.transaction(() => {
      for (const store of stores) store();
    });
  }
  for (const call of calls) {
    const sent = send(context, call);
    // Calls arrive in the order in which they were made.
    for (const taskId of launchedBy(call)) unsent?.delete(taskId);
    await sent;
  }
}

function launchedBy(call: SchedulerCall): string[] {
  const operations = call.type === 'ACCEPT' ? call.accept.operations : [];
  return operations.flatMap((operation) =>
    operation.type === 'LAUNCH' ? operation.launch.taskInfos.map(({ taskId }) => taskId.value) : [],
  );
}

function decide(context: SchedulerContext, offers: Offer[]): Decisions {
  const wanted = new Wanted(currentNeeds(context), context.state.nodes.all());
  const coming = comingSoon(context);
  const decisions: Decisions = { stores: [], calls: [] };
  const declined: Record<'soon' | 'late', Id[]> = { soon: [], late: [] };
  for (const offer of offers) {
    const seen = noteVolumes(offer, wanted);
    if (seen) decisions.stores.push(() => context.state.nodes.save(seen));
    const match = matchOffer(offer, wanted, context.settings);
    const plans = plansOf(context, offer, match, wanted);
    const operations = plans.flatMap((plan) => plan.operations);
    decisions.stores.push(...plans.map(({ store }) => store));
    if (operations.length > 0) {
      const filters = { refuseSeconds: match.soon ? SHORT_REFUSAL_SECONDS : LONG_REFUSAL_SECONDS };
      decisions.calls.push({ type: 'ACCEPT', accept: { offerIds: [offer.id], operations, filters } });
    } else if (!isKept(context, offer, match, { wanted, coming })) {
      declined[match.soon ? 'soon' : 'late'].push(offer.id);
    }
    remember(context, offer, match, plans);
  }
  decisions.calls.push(
    ...decline(declined.soon, SHORT_REFUSAL_SECONDS),
    ...decline(declined.late, LONG_REFUSAL_SECONDS),
  );
  return decisions;
}

/** Nothing was refused of what it was wanted for, and something more will be. */
function isKept(
  { keptOffers, clock }: SchedulerContext,
  offer: Offer,
  match: Match,
  { wanted, coming }: { wanted: Wanted; coming: Coming },
): boolean {
  if (match.declined.length > 0) return false;
  const executorId = wanted.memberAt(offer)?.executorId ?? null;
  return keptOffers?.keep(offer, executorId, coming, clock.now()) ?? false;
}

/** Gives back what was kept for too long. */
export async function giveBack(context: SchedulerContext, offers: Offer[]): Promise<void> {
  const ids = offers.map(({ id }) => id);
  for (const call of decline(ids, LONG_REFUSAL_SECONDS)) await send(context, call);
}

/** What is declined for the same time goes in one call. */
function decline(offerIds: Id[], refuseSeconds: number): SchedulerCall[] {
  return offerIds.length === 0 ? [] : [{ type: 'DECLINE', decline: { offerIds, filters: { refuseSeconds } } }];
}

/** A node's volumes in an offer prove that they were made, whatever became of the news of it. Null: nothing new. */
function noteVolumes(offer: Offer, wanted: Wanted): ClusterNode | null {
  const node = wanted.memberAt(offer);
  const after = node ? seenInOffer(node, offer) : undefined;
  if (!after || after === node) return null;
  wanted.changed(after);
  return after;
}

function plansOf(context: SchedulerContext, offer: Offer, { releases, launches }: Match, wanted: Wanted): Plan[] {
  return [
    ...releases.map((release) => planRelease(context, release)),
    ...launches.map((launch) => planLaunch(context, offer, launch)),
  ].map((plan) => {
    wanted.met(plan.need, plan.node);
    return plan;
  });
}

/** Why an offer was, or was not, used: for operators. */
function remember({ lastOffers, log }: SchedulerContext, offer: Offer, match: Match, plans: Plan[]): void {
  const launched = plans.flatMap(({ taskId }) => taskId ?? []);
  if (plans.length > 0) {
    const operations = plans.flatMap((plan) => plan.operations.map(({ type }) => type));
    log.info({ host: offer.hostname, tasks: launched, operations }, 'using an offer');
  }
  lastOffers.record({ agentId: offer.agentId.value, hostname: offer.hostname, launched, reason: match.reason });
  for (const { need } of plans) lastOffers.met(need);
  for (const { need, reason } of match.declined) lastOffers.declined(need, `${offer.hostname}: ${reason}`);
}
