// ACCEPT: its operations one after the other on the resources of the accepted offers, each on what the ones before left.
import type { OfferOperation, Resource, SchedulerCall } from '../mesos/types.ts';
import { applyOperation, operationRefused } from './framework-operations.ts';
import { launch, refuseTask } from './launch.ts';
import type { MasterContext } from './master-context.ts';
import type { Framework, OutstandingOffer } from './master-state.ts';
import { refuse, removeOffer } from './offers.ts';
import { add, subtract } from './resources.ts';
import { stateFor } from './task-state.ts';

type Accept = Extract<SchedulerCall, { type: 'ACCEPT' }>['accept'];

export function accept(context: MasterContext, framework: Framework, { offerIds, operations, filters }: Accept): void {
  const { state } = context;
  const ids = offerIds.map(({ value }) => value);
  const offers = ids.map((id) => state.offers.get(id)).filter((offer) => offer?.frameworkId === framework.id);
  const fault = offersError(ids, offers);
  // Valid ones among them are used up all the same.
  for (const offer of offers) if (offer) removeOffer(context, offer);
  const [first] = offers;
  const agent = state.agents.get(first?.agentId ?? '');
  if (fault !== undefined || !first || !agent) {
    for (const operation of operations) refuseOperation(context, framework, operation, fault ?? 'Agent is removed');
    return;
  }
  const { role } = first;
  const offered = offers.flatMap((offer) => offer?.resources ?? []);
  let remaining: readonly Resource[] = add(offered);
  for (const operation of operations) {
    if (operation.type === 'LAUNCH') {
      for (const task of operation.launch.taskInfos) {
        remaining = subtract(remaining, launch(context, framework, { agent, role, task, offered: remaining }));
      }
    } else remaining = applyOperation(context, framework, { agent, role, operation, offered: remaining });
  }
  // What the operations made is new to the framework: its filter is for what was there before and is not wanted.
  const refused = subtract(remaining, subtract(remaining, offered));
  refuse(context, framework, { agentId: agent.id, role, resources: refused }, filters);
}

function offersError(ids: readonly string[], offers: readonly (OutstandingOffer | undefined)[]): string | undefined {
  if (ids.length === 0) return 'No offers specified';
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) return `Duplicate offer ${twice} in offer list`;
  const gone = ids.find((id) => !offers.some((offer) => offer?.id === id));
  if (gone !== undefined) return `Offer ${gone} is no longer valid`;
  const elsewhere = offers.find((offer) => offer?.agentId !== offers[0]?.agentId);
  if (elsewhere) {
    const there = `Offer ${elsewhere.id} uses agent ${elsewhere.agentId} and agent ${offers[0]?.agentId}`;
    return `Aggregated offers must belong to one single agent. ${there}`;
  }
  const another = offers.find((offer) => offer?.role !== offers[0]?.role);
  if (!another) return undefined;
  // The quotes are Mesos's own.
  const roles = `Offer ${another.id} uses role '${another.role} but another is using role '${offers[0]?.role}`;
  return `Aggregated offers must be allocated to the same role. ${roles}`;
}

function refuseOperation(context: MasterContext, framework: Framework, operation: OfferOperation, fault: string): void {
  if (operation.type !== 'LAUNCH') {
    return operationRefused(context, framework, operation, `Operation attempted with invalid offers: ${fault}`);
  }
  const message = `Task launched with invalid offers: ${fault}`;
  const state = stateFor(framework.info, 'TASK_DROPPED');
  for (const task of operation.launch.taskInfos) {
    refuseTask(context, framework, task, { state, reason: 'REASON_INVALID_OFFERS', message });
  }
}
