import { decodeExecutorInfo, encodeNodeTask } from '../mesos/messages.ts';
import type { ExecutorInfo, Offer, Resource, TaskInfo } from '../mesos/types.ts';
import type { ClusterNode, NodePorts } from '../model/node.ts';
import type { ServerRequest, StepRequest } from '../model/step.ts';
import { numTokensOf } from './launch-settings.ts';
import type { SchedulerSettings } from './settings.ts';

/**
 * The node's executor. Mesos refuses a task whose ExecutorInfo differs from the running executor's
 * ("ExecutorInfo is not compatible with existing ExecutorInfo"), so the first one is kept and used again.
 */
export function executorInfoOf(
  node: ClusterNode,
  frameworkId: string,
  settings: SchedulerSettings,
  resources: Resource[],
): ExecutorInfo {
  if (node.executorInfo) return decodeExecutorInfo(node.executorInfo);
  const variables = Object.entries(settings.executorEnvironment).map(([name, value]) => ({ name, value }));
  return {
    type: 'CUSTOM',
    executorId: { value: node.executorId },
    frameworkId: { value: frameworkId },
    name: node.executorId,
    source: settings.clusterName,
    command: {
      shell: true,
      value: settings.executorCommand,
      uris: settings.executorUris.map(({ outputFile, ...uri }) => ({
        ...uri,
        ...(outputFile === null ? {} : { outputFile }),
      })),
      environment: { variables },
    },
    resources,
    shutdownGracePeriod: { nanoseconds: settings.shutdownGraceMs * 1e6 },
  };
}

interface TaskParts {
  offer: Offer;
  executor: ExecutorInfo;
  settings: SchedulerSettings;
  /** Of the task, as they are offered or will be once they are reserved. */
  resources: Resource[];
}

/** The task that runs Cassandra. */
export function serverTask(
  taskId: string,
  node: ClusterNode & { ports: NodePorts; ip: string },
  seeds: string[],
  { offer, executor, settings, resources }: TaskParts,
): TaskInfo {
  return {
    name: node.executorId.replace(/\.executor$/, ''),
    taskId: { value: taskId },
    agentId: offer.agentId,
    executor,
    resources,
    data: encodeNodeTask({ server: serverRequest(node, seeds, settings) }),
    killPolicy: { gracePeriod: { nanoseconds: settings.shutdownGraceMs * 1e6 } },
  };
}

function serverRequest(
  node: ClusterNode & { ports: NodePorts; ip: string },
  seeds: string[],
  settings: SchedulerSettings,
): ServerRequest {
  return {
    clusterName: settings.clusterName,
    executorId: node.executorId,
    address: node.ip,
    ports: node.ports,
    seeds,
    datacenter: node.datacenter ?? settings.datacenter,
    rack: node.rack ?? settings.rack,
    numTokens: numTokensOf(node, settings),
    dataDirectories: dataDirectoriesOf(node, settings),
    cassandraHome: settings.cassandraHome,
    jolokiaJar: settings.jolokiaJar,
    heapMb: settings.heapMb,
    jvmOptions: settings.jvmOptions,
    cassandraYaml: settings.cassandraYaml,
    replaces: node.bootstrapped ? null : node.replaces,
    javaHome: settings.javaHome,
    healthIntervalMs: settings.healthIntervalMs,
    startTimeoutMs: settings.startTimeoutMs,
  };
}

/** The node's volumes, host paths, or a directory of the sandbox; relative ones are in the sandbox. */
function dataDirectoriesOf({ reservation }: ClusterNode, { dataDirectories }: SchedulerSettings): string[] {
  if (reservation) return reservation.volumes.map(({ containerPath }) => containerPath);
  return dataDirectories.length === 0 ? ['data'] : dataDirectories;
}

/** The task of one step of a cluster job. */
export function stepTask(taskId: string, request: StepRequest, { offer, executor, resources }: TaskParts): TaskInfo {
  return {
    name: `${request.type} ${request.phase}`,
    taskId: { value: taskId },
    agentId: offer.agentId,
    executor,
    resources,
    data: encodeNodeTask({ step: request }),
  };
}
