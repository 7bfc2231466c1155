import { decodeExecutorInfo, encodeNodeTask } from '../mesos/messages.ts';
import type { ExecutorInfo, Offer, TaskInfo } from '../mesos/types.ts';
import type { ClusterNode, NodePorts } from '../model/node.ts';
import type { ServerRequest, StepRequest } from '../model/step.ts';
import { ports, scalar } from './resources.ts';
import type { SchedulerSettings } from './settings.ts';

/**
 * The node's executor. Mesos refuses a task whose ExecutorInfo differs from the running executor's
 * ("ExecutorInfo is not compatible with existing ExecutorInfo"), so the first one is kept and used again.
 */
export function executorInfoOf(
  node: ClusterNode,
  frameworkId: string,
  settings: SchedulerSettings,
  role: string,
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
    resources: [scalar('cpus', settings.executor.cpus, role), scalar('mem', settings.executor.memMb, role)],
    shutdownGracePeriod: { nanoseconds: settings.shutdownGraceMs * 1e6 },
  };
}

interface TaskParts {
  offer: Offer;
  executor: ExecutorInfo;
  settings: SchedulerSettings;
}

/** The task that runs Cassandra. */
export function serverTask(
  taskId: string,
  node: ClusterNode & { ports: NodePorts; ip: string },
  seeds: string[],
  { offer, executor, settings }: TaskParts,
): TaskInfo {
  const role = offer.allocationInfo?.role ?? '*';
  const { server } = settings;
  return {
    name: node.executorId.replace(/\.executor$/, ''),
    taskId: { value: taskId },
    agentId: offer.agentId,
    executor,
    resources: [
      scalar('cpus', server.cpus, role),
      scalar('mem', server.memMb, role),
      scalar('disk', server.diskMb, role),
      ports([...new Set(Object.values(node.ports))], role),
    ],
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
    datacenter: settings.datacenter,
    rack: settings.rack,
    numTokens: settings.numTokens,
    dataDirectories: settings.dataDirectories.length === 0 ? ['data'] : settings.dataDirectories,
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

/** The task of one step of a cluster job. */
export function stepTask(taskId: string, request: StepRequest, { offer, executor, settings }: TaskParts): TaskInfo {
  const role = offer.allocationInfo?.role ?? '*';
  return {
    name: `${request.type} ${request.phase}`,
    taskId: { value: taskId },
    agentId: offer.agentId,
    executor,
    resources: [scalar('cpus', settings.step.cpus, role), scalar('mem', settings.step.memMb, role)],
    data: encodeNodeTask({ step: request }),
  };
}
