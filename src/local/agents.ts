// An agent's way through a master: registered, away, back, unreachable, gone.
import type { FrameworkInfo, TaskStatus } from '../mesos/types.ts';
import { endOperations, takeOperations } from './framework-operations.ts';
import { recoverFramework } from './frameworks.ts';
import type { AgentLink, AgentTask, Registration } from './links.ts';
import type { MasterContext } from './master-context.ts';
import { addTask, removeTask, type Framework, type MasterTask, type RegisteredAgent } from './master-state.ts';
import { rescind } from './offers.ts';
import { knownTaskStatus, masterStatus } from './reconciliation.ts';
import { withReserved } from './resources.ts';
import { isTerminal } from '../mesos/task-state.ts';
import { hasCapability, stateFor } from './task-state.ts';
import { after } from './timer.ts';

/** Takes an agent in, with all that it brings; returns its id. One that was marked gone is told to end. */
export function registerAgent(context: MasterContext, registration: Registration, link: AgentLink): string {
  const { state } = context;
  if (registration.id === undefined) removePredecessor(context, registration);
  const id = registration.id ?? context.newId('agent');
  if (state.gone.has(id)) {
    link.shutdown();
    return id;
  }
  const before = state.agents.get(id);
  before?.cancelTimer();
  rescind(context, before?.offers ?? []);
  const { info, reserved = [] } = registration;
  const agent: RegisteredAgent = {
    id,
    link,
    connected: true,
    ip: registration.ip,
    info: { ...info, id: { value: id } },
    total: withReserved(info.resources ?? [], reserved),
    executors: [...registration.executors],
    tasks: new Set(),
    offers: new Set(),
    cancelTimer: () => {},
  };
  state.agents.set(id, agent);
  state.recovered.delete(id);
  const wasUnreachable = state.unreachable.delete(id);
  takeTasks(context, registration, { agent, before, wasUnreachable });
  takeOperations(context, id, registration.operations ?? []);
  context.touch(id);
  context.allocateSoon();
  return id;
}

/** Another agent has its address now: one that has lost its memory, for example. Nobody can be partition-aware of that. */
function removePredecessor(context: MasterContext, { ip, info }: Registration): void {
  const { agents } = context.state;
  const old = [...agents.values()].find(
    (agent) => !agent.connected && agent.ip === ip && agent.info.port === info.port,
  );
  if (!old) return;
  const message = `Agent ${old.info.hostname} removed: a new agent registered at the same address`;
  removeAgent(context, old, () => ({ state: 'TASK_LOST', reason: 'REASON_AGENT_REMOVED', message }));
}

/** The agent does not answer, but its executors may well go on. */
export function agentDisconnected(context: MasterContext, agentId: string): void {
  const { state, settings, signal } = context;
  const agent = state.agents.get(agentId);
  if (!agent) return;
  agent.connected = false;
  agent.cancelTimer();
  agent.cancelTimer = after(settings.clock, settings.agentTimeoutMs, () => agentUnreachable(context, agentId), signal);
  rescind(context, agent.offers);
}

/** The master gives the agent up, until it registers again. */
export function agentUnreachable(context: MasterContext, agentId: string): void {
  const { state } = context;
  const agent = state.agents.get(agentId);
  state.unreachable.add(agentId);
  if (!agent) return;
  endOperations(context, agentId, { state: 'OPERATION_UNREACHABLE', message: 'Agent was marked unreachable' });
  removeAgent(context, agent, (framework, task) => {
    framework.unreachable.set(task.info.taskId.value, task);
    const word = stateFor(framework.info, 'TASK_UNREACHABLE');
    return { state: word, reason: 'REASON_AGENT_REMOVED', message: 'health check timed out' };
  });
}

/** An operator says that the agent will never come back. */
export function markAgentGone(context: MasterContext, agentId: string): void {
  const { state } = context;
  const agent = state.agents.get(agentId);
  state.gone.add(agentId);
  state.recovered.delete(agentId);
  state.unreachable.delete(agentId);
  const message = 'Agent has been marked gone';
  const said = ({ info }: Framework): Said =>
    hasCapability(info, 'PARTITION_AWARE')
      ? { state: 'TASK_GONE_BY_OPERATOR', reason: 'REASON_AGENT_REMOVED_BY_OPERATOR', message }
      : { state: 'TASK_LOST', reason: 'REASON_AGENT_REMOVED', message };
  for (const framework of state.frameworks.values()) {
    for (const [id, task] of framework.unreachable) {
      if (task.agentId !== agentId) continue;
      framework.unreachable.delete(id);
      tellTask(context, framework, task, said(framework));
    }
  }
  if (!agent) return;
  if (agent.connected) agent.link.shutdown();
  endOperations(context, agentId, { state: 'OPERATION_GONE_BY_OPERATOR', message });
  removeAgent(context, agent, said);
}

/** Agents of the master before that have not come back in time. */
export function expectAgents(context: MasterContext): void {
  const { state, settings, signal } = context;
  if (state.recovered.size === 0) return;
  const giveUp = () => {
    for (const agentId of state.recovered) {
      state.recovered.delete(agentId);
      state.unreachable.add(agentId);
      tellLost(context, agentId);
    }
  };
  after(settings.clock, settings.agentTimeoutMs, giveUp, signal);
}

type Said = Pick<TaskStatus, 'state' | 'reason' | 'message'>;

/** Tells of its tasks, then of its offers, then of itself. */
function removeAgent(
  context: MasterContext,
  agent: RegisteredAgent,
  said: (framework: Framework, task: MasterTask) => Said,
): void {
  const { state } = context;
  agent.cancelTimer();
  for (const task of agent.tasks) {
    const framework = state.frameworks.get(task.frameworkId);
    removeTask(state, task);
    if (framework && !isTerminal(task.latest)) tellTask(context, framework, task, said(framework, task));
  }
  rescind(context, agent.offers);
  state.agents.delete(agent.id);
  tellLost(context, agent.id);
}

function tellTask({ send, settings }: MasterContext, framework: Framework, task: MasterTask, said: Said): void {
  const place = { agentId: { value: task.agentId }, executorId: { value: task.executorId } };
  const status = masterStatus({ taskId: task.info.taskId, ...said, ...place }, settings.clock.now());
  send(framework, { type: 'UPDATE', update: { status } });
}

function tellLost({ state, send }: MasterContext, agentId: string): void {
  for (const framework of state.frameworks.values()) {
    send(framework, { type: 'FAILURE', failure: { agentId: { value: agentId } } });
  }
}

interface Return {
  agent: RegisteredAgent;
  /** As the master knew it last. */
  before: RegisteredAgent | undefined;
  wasUnreachable: boolean;
}

function takeTasks(
  context: MasterContext,
  { frameworks, tasks }: Registration,
  { agent, before, ...rest }: Return,
): void {
  for (const info of frameworks) takeFramework(context, agent, info);
  const known = new Map([...(before?.tasks ?? [])].map((task) => [keyOf(task), task]));
  for (const reported of tasks) {
    const old = known.get(keyOf(reported));
    known.delete(keyOf(reported));
    takeTask(context, reported, { agent, old, ...rest });
  }
  for (const task of known.values()) missTask(context, agent, task);
}

function takeFramework(context: MasterContext, { link }: RegisteredAgent, info: FrameworkInfo): void {
  const { state } = context;
  const id = info.id?.value ?? '';
  if (state.removed.has(id)) link.frameworkRemoved(id);
  else if (!state.frameworks.has(id)) recoverFramework(context, id, info);
}

function takeTask(
  context: MasterContext,
  reported: AgentTask,
  { agent, old, wasUnreachable }: { agent: RegisteredAgent; old: MasterTask | undefined; wasUnreachable: boolean },
): void {
  const framework = context.state.frameworks.get(reported.frameworkId);
  if (!framework) return;
  const { status, state: latest, executorId, info } = reported;
  const task: MasterTask = {
    frameworkId: framework.id,
    agentId: agent.id,
    executorId,
    info,
    state: status?.state ?? 'TASK_STAGING',
    latest,
    ...(status ? { status } : {}),
    ...(old?.killed ? { killed: true } : {}),
  };
  framework.unreachable.delete(info.taskId.value);
  addTask(context.state, task);
  if (wasUnreachable) takeBack(context, framework, { agent, task });
  if (task.killed && !isTerminal(latest)) agent.link.kill(framework.id, info.taskId.value);
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

/** The agent came back without it: its launch was lost on the way. */
function missTask({ state }: MasterContext, agent: RegisteredAgent, task: MasterTask): void {
  const framework = state.frameworks.get(task.frameworkId);
  if (!framework) return;
  addTask(state, task);
  agent.link.reconcileTask({ ...framework.info, id: { value: framework.id } }, task);
}

function keyOf({ frameworkId, info }: Pick<AgentTask, 'frameworkId' | 'info'>): string {
  return JSON.stringify([frameworkId, info.taskId.value]);
}
