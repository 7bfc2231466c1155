// The messages that travel as protobuf: Mesos's in the words of types.ts, both ways (the embedded Mesos reads calls and
// writes events), and our own in the words of model/ (proto/cassandra/v1/node.proto). Encoders throw INTERNAL,
// decoders BAD_REQUEST.
import { OperatorError, wrapError } from '../errors.ts';
import type { NodeHealth } from '../model/node.ts';
import type { NodeTask, ServerRequest, StepReport, StepRequest } from '../model/step.ts';
import { codec, type Codec, type Plain } from './proto.ts';
import type { ExecutorCall, ExecutorEvent, ExecutorInfo, Id, SchedulerCall, SchedulerEvent } from './types.ts';

/** A call or event of a type that we do not speak, from a newer Mesos or for another kind of client. */
export interface UnknownMessage {
  type: 'UNKNOWN';
}

const schedulerCall = codec('mesos.v1.scheduler.Call');
const schedulerEvent = codec('mesos.v1.scheduler.Event');
const executorCall = codec('mesos.v1.executor.Call');
const executorEvent = codec('mesos.v1.executor.Event');
const executorInfo = codec('mesos.v1.ExecutorInfo');

/** `frameworkId` is absent in a framework's first SUBSCRIBE only. */
export function encodeSchedulerCall(call: SchedulerCall, frameworkId?: Id): Uint8Array {
  return schedulerCall.encode({ ...call, frameworkId });
}

export function decodeSchedulerCall(bytes: Uint8Array): { call: SchedulerCall | UnknownMessage; frameworkId?: Id } {
  const { frameworkId, ...call } = schedulerCall.decode(bytes);
  return {
    call: checkVariant(schedulerCall, call) as SchedulerCall | UnknownMessage,
    ...(frameworkId === undefined ? {} : { frameworkId: frameworkId as Id }),
  };
}

export function encodeSchedulerEvent(event: SchedulerEvent): Uint8Array {
  return schedulerEvent.encode(event);
}

export function decodeSchedulerEvent(bytes: Uint8Array): SchedulerEvent | UnknownMessage {
  return checkVariant(schedulerEvent, schedulerEvent.decode(bytes)) as SchedulerEvent | UnknownMessage;
}

/** Who calls: every call of an executor says it. */
export interface ExecutorIdentity {
  executorId: Id;
  frameworkId: Id;
}

export function encodeExecutorCall(call: ExecutorCall, { executorId, frameworkId }: ExecutorIdentity): Uint8Array {
  return executorCall.encode({ ...call, executorId, frameworkId });
}

export function decodeExecutorCall(bytes: Uint8Array): { call: ExecutorCall | UnknownMessage } & ExecutorIdentity {
  const { executorId, frameworkId, ...call } = executorCall.decode(bytes);
  return {
    call: checkVariant(executorCall, call) as ExecutorCall | UnknownMessage,
    executorId: executorId as Id,
    frameworkId: frameworkId as Id,
  };
}

export function encodeExecutorEvent(event: ExecutorEvent): Uint8Array {
  return executorEvent.encode(event);
}

export function decodeExecutorEvent(bytes: Uint8Array): ExecutorEvent | UnknownMessage {
  return checkVariant(executorEvent, executorEvent.decode(bytes)) as ExecutorEvent | UnknownMessage;
}

/** The same info gives the same bytes: Mesos compares the executors of a node's tasks. */
export function encodeExecutorInfo(info: ExecutorInfo): Uint8Array {
  return executorInfo.encode(info);
}

export function decodeExecutorInfo(bytes: Uint8Array): ExecutorInfo {
  return executorInfo.decode(bytes) as unknown as ExecutorInfo;
}

/** Calls whose variant may be left out: then they mean all roles. */
const VARIANT_OPTIONAL = new Set(['REVIVE', 'SUPPRESS']);

/**
 * `type` says which field carries the message (UPDATE: `update`). The rest of the program trusts that it is
 * there, so that is checked here.
 */
function checkVariant(of: Codec, message: Plain): Plain {
  const { type } = message;
  // A type without name in our .proto files comes as its number.
  if (typeof type !== 'string' || type === 'UNKNOWN' || /^-?\d+$/.test(type)) return { type: 'UNKNOWN' };
  const variant = type.toLowerCase().replaceAll(/_(\w)/g, (_match, letter: string) => letter.toUpperCase());
  if (of.has(variant) && message[variant] === undefined && !VARIANT_OPTIONAL.has(type)) {
    throw new OperatorError('BAD_REQUEST', `Expected '${variant}' to be present in a message of type ${type}`);
  }
  return message;
}

/** A step's report with the task that it belongs to. */
export interface StepProgress {
  taskId: string;
  report: StepReport;
}

/** What an executor says between status updates. */
export type ExecutorMessage = { health: NodeHealth } | { progress: StepProgress };

/** What a scheduler tells the executor of a step that is under way: bytes per second, null for no limit. */
export interface Pace {
  taskId: string;
  bandwidth: number | null;
}

const nodeTask = codec('cassandra.v1.NodeTask');
const healthMessage = codec('cassandra.v1.Health');
const stepProgress = codec('cassandra.v1.StepProgress');
const executorMessage = codec('cassandra.v1.ExecutorMessage');
const schedulerMessage = codec('cassandra.v1.SchedulerMessage');

/** TaskInfo.data. */
export function encodeNodeTask(task: NodeTask): Uint8Array {
  if ('server' in task) {
    const { cassandraYaml, replaces, javaHome, ...server } = task.server;
    const json = {
      cassandraYamlJson: JSON.stringify(cassandraYaml),
      optionsJson: JSON.stringify({ replaces, javaHome }),
    };
    return nodeTask.encode({ server: { ...server, ...json } });
  }
  const { jobId, jobUuid, type, phase, attempt, cluster, executorId, backupName, location, ...options } = task.step;
  const step = { jobId, jobUuid, type, phase, attempt, cluster, executorId, backupName, location };
  return nodeTask.encode({ step: { ...step, optionsJson: JSON.stringify(options) } });
}

export function decodeNodeTask(bytes: Uint8Array): NodeTask {
  const { server, step } = nodeTask.decode(bytes) as { server?: Plain; step?: Plain };
  if (server) {
    const { cassandraYamlJson, optionsJson, ...rest } = server;
    const options = parse('options_json', optionsJson) as Partial<ServerRequest>;
    const request = { ...rest, ...options, cassandraYaml: parse('cassandra_yaml_json', cassandraYamlJson) };
    return { server: request as unknown as ServerRequest };
  }
  if (step) {
    const { optionsJson, ...rest } = step;
    const request = { ...(parse('options_json', optionsJson) as Partial<StepRequest>), ...rest };
    return { step: request as StepRequest };
  }
  throw wrapError('decode cassandra.v1.NodeTask', 'expected server or step, got neither', 'BAD_REQUEST');
}

/** TaskStatus.data of the server task. */
export function encodeHealth(health: NodeHealth): Uint8Array {
  return healthMessage.encode(toHealth(health));
}

export function decodeHealth(bytes: Uint8Array): NodeHealth {
  return fromHealth(healthMessage.decode(bytes));
}

/** TaskStatus.data of a step's task. */
export function encodeStepProgress(progress: StepProgress): Uint8Array {
  return stepProgress.encode(toProgress(progress));
}

export function decodeStepProgress(bytes: Uint8Array): StepProgress {
  return fromProgress(stepProgress.decode(bytes));
}

/** Data of a framework message from the executor to the scheduler. */
export function encodeExecutorMessage(message: ExecutorMessage): Uint8Array {
  return executorMessage.encode(
    'health' in message ? { health: toHealth(message.health) } : { progress: toProgress(message.progress) },
  );
}

export function decodeExecutorMessage(bytes: Uint8Array): ExecutorMessage {
  const { health, progress } = executorMessage.decode(bytes) as { health?: Plain; progress?: Plain };
  if (health) return { health: fromHealth(health) };
  if (progress) return { progress: fromProgress(progress) };
  throw wrapError('decode cassandra.v1.ExecutorMessage', 'expected health or progress, got neither', 'BAD_REQUEST');
}

/** Data of a framework message from the scheduler to an executor. */
export function encodePace({ taskId, bandwidth }: Pace): Uint8Array {
  return schedulerMessage.encode({ pace: { taskId, bandwidth: bandwidth ?? 0 } });
}

/** Null for what a newer scheduler says. */
export function decodePace(bytes: Uint8Array): Pace | null {
  const { pace } = schedulerMessage.decode(bytes) as { pace?: Plain };
  if (!pace) return null;
  return { taskId: pace['taskId'] as string, bandwidth: (pace['bandwidth'] as number) || null };
}

function toHealth(health: NodeHealth): Plain {
  return { healthJson: JSON.stringify(health) };
}

function fromHealth({ healthJson }: Plain): NodeHealth {
  return parse('health_json', healthJson) as NodeHealth;
}

function toProgress({ taskId, report }: StepProgress): Plain {
  return { taskId, reportJson: JSON.stringify(report) };
}

function fromProgress({ taskId, reportJson }: Plain): StepProgress {
  return { taskId: taskId as string, report: parse('report_json', reportJson) as StepReport };
}

function parse(field: string, json: unknown): unknown {
  try {
    return JSON.parse(json as string);
  } catch (error) {
    throw wrapError(`decode ${field}`, error, 'BAD_REQUEST');
  }
}
