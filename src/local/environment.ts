// What an agent tells its executor by the environment, as recorded from Mesos 1.12.
import type { CommandInfo, ExecutorInfo } from '../mesos/types.ts';
import { formatDuration } from './durations.ts';

export interface EnvironmentFacts {
  executor: ExecutorInfo;
  frameworkId: string;
  agentId: string;
  /** Of the agent that the executor is to subscribe at. */
  ip: string;
  port: number;
  /** `host:port`, when another than that: of a proxy on the way to it. */
  endpoint?: string;
  sandbox: string;
  checkpoint: boolean;
  shutdownGraceMs: number;
  /** How long an executor waits for an agent that is away. */
  recoveryTimeoutMs: number;
  subscriptionBackoffMaxMs: number;
  /** By which the executor proves who it is; absent when the agent does not ask. */
  token?: string;
}

/** Enough for /bin/sh and the system's tools; everything else comes by the CommandInfo. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The whole environment of an executor's process. The CommandInfo's variables win over PATH and HOME alone. */
export function executorEnvironment(facts: EnvironmentFacts): Record<string, string> {
  return { PATH, HOME: facts.sandbox, ...commandVariables(facts.executor.command), ...mesosVariables(facts) };
}

/** The time that an executor has between SHUTDOWN and its end, in milliseconds. */
export function shutdownGraceMs({ shutdownGracePeriod }: ExecutorInfo, fallbackMs: number): number {
  return shutdownGracePeriod ? shutdownGracePeriod.nanoseconds / 1e6 : fallbackMs;
}

function commandVariables(command: CommandInfo | undefined): Record<string, string> {
  const variables = command?.environment?.variables ?? [];
  return Object.fromEntries(variables.map(({ name, value = '' }) => [name, value]));
}

function mesosVariables(facts: EnvironmentFacts): Record<string, string> {
  return {
    LIBPROCESS_IP: facts.ip,
    LIBPROCESS_PORT: '0',
    MESOS_AGENT_ENDPOINT: facts.endpoint ?? `${facts.ip}:${facts.port}`,
    MESOS_CHECKPOINT: facts.checkpoint ? '1' : '0',
    MESOS_DIRECTORY: facts.sandbox,
    MESOS_EXECUTOR_ID: facts.executor.executorId.value,
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: formatDuration(facts.shutdownGraceMs),
    MESOS_FRAMEWORK_ID: facts.frameworkId,
    MESOS_HTTP_COMMAND_EXECUTOR: '0',
    MESOS_SANDBOX: facts.sandbox,
    ...(facts.token === undefined ? {} : { MESOS_EXECUTOR_AUTHENTICATION_TOKEN: facts.token }),
    MESOS_SLAVE_ID: facts.agentId,
    MESOS_SLAVE_PID: `slave(1)@${facts.ip}:${facts.port}`,
    ...(facts.checkpoint
      ? {
          MESOS_RECOVERY_TIMEOUT: formatDuration(facts.recoveryTimeoutMs),
          MESOS_SUBSCRIPTION_BACKOFF_MAX: formatDuration(facts.subscriptionBackoffMaxMs),
        }
      : {}),
  };
}
