// A framework's way through a master: subscribed, away, back, removed.
import type { FrameworkInfo, MasterInfo, SchedulerEvent } from '../mesos/types.ts';
import type { EventStream } from './http.ts';
import type { MasterContext } from './master-context.ts';
import type { Framework, RegisteredAgent } from './master-state.ts';
import { removeOffer } from './offers.ts';
import { Refusals } from './refusals.ts';
import { isTerminal } from '../mesos/task-state.ts';
import { after } from './timer.ts';

export interface Subscription {
  info: FrameworkInfo;
  suppressedRoles: readonly string[];
  stream: EventStream<SchedulerEvent>;
  streamId: string;
  masterInfo: MasterInfo;
}

/** Subscribes it as new, or as the one of its id; whoever was subscribed as that one before hears ERROR. */
export function subscribe(context: MasterContext, subscription: Subscription): void {
  const { state, settings } = context;
  const { info, suppressedRoles, stream, streamId, masterInfo } = subscription;
  const id = info.id?.value ?? context.newId('framework');
  if (state.removed.has(id)) {
    stream.send({ type: 'ERROR', error: { message: 'Framework has been removed' } });
    return stream.end();
  }
  const framework = state.frameworks.get(id) ?? addFramework(context, id, info);
  framework.cancelTimer();
  framework.subscription?.stream.send({ type: 'ERROR', error: { message: 'Framework failed over' } });
  framework.subscription?.stream.end();
  release(context, framework);
  framework.info = { ...info, id: { value: id } };
  framework.suppressed = new Set(suppressedRoles);
  framework.subscription = { stream, streamId };
  stream.onClose(() => {
    if (framework.subscription?.stream === stream) disconnected(context, framework);
  });
  const heartbeatIntervalSeconds = settings.heartbeatMs / 1000;
  const subscribed = { frameworkId: { value: id }, heartbeatIntervalSeconds, masterInfo };
  stream.send({ type: 'SUBSCRIBED', subscribed });
  beat(context, framework);
  for (const agent of state.agents.values()) {
    if (agent.connected) agent.link.frameworkUpdated(framework.info);
    context.touch(agent.id);
  }
  context.allocateSoon();
}

/** A framework that the master hears of from an agent first: it may subscribe within its failover timeout. */
export function recoverFramework(context: MasterContext, id: string, info: FrameworkInfo): Framework {
  const framework = addFramework(context, id, info);
  awaitFailover(context, framework);
  return framework;
}

/** Gone for good: its tasks and executors end, and it cannot subscribe again. */
export function removeFramework(context: MasterContext, framework: Framework): void {
  const { state } = context;
  framework.cancelTimer();
  release(context, framework);
  state.frameworks.delete(framework.id);
  state.removed.add(framework.id);
  framework.subscription?.stream.end();
  framework.subscription = undefined;
  for (const agent of state.agents.values()) {
    holdTaskResources(agent, framework);
    context.touch(agent.id);
    if (agent.connected) agent.link.frameworkRemoved(framework.id);
  }
}

/** Its tasks are forgotten, but their ports and memory are in use until the executors have ended. */
function holdTaskResources(agent: RegisteredAgent, { id, tasks }: Framework): void {
  for (const executor of agent.executors.filter(({ frameworkId }) => frameworkId === id)) {
    const executorId = executor.info.executorId.value;
    executor.held = [...agent.tasks]
      .filter((task) => task.frameworkId === id && task.executorId === executorId && !isTerminal(task.latest))
      .flatMap(({ info }) => info.resources);
  }
  for (const task of tasks.values()) agent.tasks.delete(task);
}

function addFramework({ state }: MasterContext, id: string, info: FrameworkInfo): Framework {
  const framework: Framework = {
    id,
    info,
    subscription: undefined,
    suppressed: new Set(),
    refusals: new Refusals(),
    tasks: new Map(),
    unreachable: new Map(),
    offers: new Set(),
    operations: new Map(),
    cancelTimer: () => {},
  };
  state.frameworks.set(id, framework);
  return framework;
}

/** Nobody is there to answer its offers, and a new subscriber knows nothing of the filters. */
function release(context: MasterContext, framework: Framework): void {
  for (const offer of framework.offers) removeOffer(context, offer);
  framework.refusals.clearAll();
}

function disconnected(context: MasterContext, framework: Framework): void {
  framework.cancelTimer();
  framework.subscription = undefined;
  release(context, framework);
  awaitFailover(context, framework);
}

function awaitFailover(context: MasterContext, framework: Framework): void {
  const { settings, signal } = context;
  const timeoutMs = (framework.info.failoverTimeout ?? 0) * 1000;
  framework.cancelTimer = after(settings.clock, timeoutMs, () => removeFramework(context, framework), signal);
}

function beat(context: MasterContext, framework: Framework): void {
  const { clock, heartbeatMs } = context.settings;
  context.send(framework, { type: 'HEARTBEAT' });
  framework.cancelTimer = after(clock, heartbeatMs, () => beat(context, framework), context.signal);
}
