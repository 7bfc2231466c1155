// An agent's way through a master: registered, away, back, unreachable.
import type { FrameworkInfo } from '../mesos/types.ts';
import { recoverFramework } from './frameworks.ts';
import type { AgentLink, AgentTask, Registration } from './links.ts';
import type { MasterContext } from './master-context.ts';
import { tasksOn, type Framework, type MasterTask, type RegisteredAgent } from './master-state.ts';
import { rescind } from './offers.ts';
import { knownTaskStatus, masterStatus } from './reconciliation.ts';
import { isTerminal } from '../mesos/task-state.ts';
import { hasCapability, stateFor } from './task-state.ts';
import { after } from './timer.ts';

/** Takes an agent in, with all that it brings; returns its id. */
export function registerAgent(context: MasterContext, registration: Registration, link: AgentLink): string {
  const { state } = context;
  const id = registration.id ?? context.newId('agent');
  state.agents.get(id)?.cancelTimer();
  rescindOf(context, id);
  const agent: RegisteredAgent = {
    id,
    link,
    connected: true,
    ip: registration.ip,
    info: { ...registration.info, id: { value: id } },
    executors: [...registration.executors],
    cancelTimer: () => {},
  };
  state.agents.set(id, agent);
  const before = new Map(tasksOn(state, id).map((task) => [keyOf(task), task]));
  for (const info of registration.frameworks) takeFramework(context, agent, info);
  for (const task of registration.tasks) {
    before.delete(keyOf(task));
    takeTask(context, agent, task);
  }
  for (const task of before.values()) loseTask(context, task);
  context.allocateSoon();
  return id;
}

/** The agent does not answer, but its executors may well go on. */
export function agentDisconnected(context: MasterContext, agentId: string): void {
  const { state, settings, signal } = context;
  const agent = state.agents.get(agentId);
  if (!agent) return;
  agent.connected = false;
  agent.cancelTimer = after(settings.clock, settings.agentTimeoutMs, () => agentUnreachable(context, agentId), signal);
  rescindOf(context, agentId);
}

/** The master gives the agent up, until it registers again. */
export function agentUnreachable(context: MasterContext, agentId: string): void {
  const { state, settings } = context;
  const agent = state.agents.get(agentId);
  if (!agent) return;
  agent.cancelTimer();
  const now = settings.clock.now();
  for (const task of tasksOn(state, agentId)) {
    const framework = state.frameworks.get(task.frameworkId);
    framework?.tasks.delete(task.info.taskId.value);
    if (!framework || isTerminal(task.latest)) continue;
    framework.unreachable.set(task.info.taskId.value, { task, since: now / 1000 });
    const word = stateFor(framework.info, 'TASK_UNREACHABLE');
    const status = masterStatus(
      {
        taskId: task.info.taskId,
        state: word,
        message: 'health check timed out',
        reason: 'REASON_AGENT_REMOVED',
        agentId: { value: agentId },
        executorId: { value: task.executorId },
      },
      now,
    );
    context.send(framework, { type: 'UPDATE', update: { status } });
  }
  rescindOf(context, agentId);
  state.agents.delete(agentId);
  for (const framework of state.frameworks.values()) {
    context.send(framework, { type: 'FAILURE', failure: { agentId: { value: agentId } } });
  }
}

function rescindOf(context: MasterContext, agentId: string): void {
  const offers = [...context.state.offers.values()].filter((offer) => offer.agentId === agentId);
  rescind(context, offers);
}

function takeFramework(context: MasterContext, { link }: RegisteredAgent, info: FrameworkInfo): void {
  const { state } = context;
  const id = info.id?.value ?? '';
  if (state.removed.has(id)) link.frameworkRemoved(id);
  else if (!state.frameworks.has(id)) recoverFramework(context, id, info);
}

function takeTask(context: MasterContext, agent: RegisteredAgent, reported: AgentTask): void {
  const framework = context.state.frameworks.get(reported.frameworkId);
  if (!framework) return;
  const { status, state: latest, ...rest } = reported;
  const { executorId, info } = rest;
  const task: MasterTask = {
    frameworkId: framework.id,
    agentId: agent.id,
    executorId,
    info,
    state: status?.state ?? 'TASK_STAGING',
    latest,
    ...(status ? { status } : {}),
  };
  const wasUnreachable = framework.unreachable.delete(info.taskId.value);
  framework.tasks.set(info.taskId.value, task);
  if (wasUnreachable) takeBack(context, framework, { agent, task });
}

/** A framework that knows of partitions goes on with the task; another one has been told that it is lost. */
function takeBack(
  { send, settings }: MasterContext,
  framework: Framework,
  { agent, task }: { agent: RegisteredAgent; task: MasterTask },
): void {
  if (!hasCapability(framework.info, 'PARTITION_AWARE')) {
    return agent.link.kill(framework.id, task.info.taskId.value);
  }
  // The text is Mesos's own.
  const said = { reason: 'REASON_AGENT_REREGISTERED', message: 'Unreachable agent re-reregistered' };
  const status = knownTaskStatus(task, said, settings.clock.now());
  send(framework, { type: 'UPDATE', update: { status } });
}

/** The agent came back without it. */
function loseTask({ state, send, settings }: MasterContext, task: MasterTask): void {
  const framework = state.frameworks.get(task.frameworkId);
  framework?.tasks.delete(task.info.taskId.value);
  if (!framework || isTerminal(task.latest)) return;
  const said = { reason: 'REASON_RECONCILIATION', message: 'Reconciliation: Task is unknown to the agent' };
  const gone = { ...task, state: stateFor(framework.info, 'TASK_GONE') };
  send(framework, { type: 'UPDATE', update: { status: knownTaskStatus(gone, said, settings.clock.now()) } });
}

function keyOf({ frameworkId, info }: Pick<AgentTask, 'frameworkId' | 'info'>): string {
  return JSON.stringify([frameworkId, info.taskId.value]);
}
