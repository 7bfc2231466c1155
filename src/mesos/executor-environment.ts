import { OperatorError } from '../errors.ts';
import type { BackoffOptions } from './backoff.ts';
import { parseDuration } from './duration.ts';

/** What the agent tells an executor in its environment. */
export interface ExecutorEnvironment {
  /** `host:port`, or `https://host:port` of an agent with TLS. */
  agentEndpoint: string;
  frameworkId: string;
  executorId: string;
  /** True when the agent takes the executor back after its own restart. */
  checkpoint: boolean;
  /** How long to wait for the agent to come back. */
  recoveryTimeoutMs: number;
  /** Between attempts to subscribe. */
  backoff: BackoffOptions;
  /** Time from SHUTDOWN until the agent kills the executor. */
  shutdownGracePeriodMs: number;
  /** Absolute path of the executor's working directory. */
  sandbox: string;
  /** Where the agent asks executors to authenticate. */
  authToken?: string;
  /** Certificates in PEM that an agent's with TLS is checked by, from the scheduler. */
  ca?: string;
  /** The file of the same, from the agent; counts where the scheduler gave none. */
  caFile?: string;
}

/** The scheduler's own variable in the executor's environment: certificates in PEM. */
export const CA_VARIABLE = 'CASSANDRA_MESOS_CA';

const MIN_BACKOFF_MS = 100;

/** Reads the variables that an agent sets (Mesos, "Executor HTTP API"). Throws BAD_REQUEST when one is missing. */
export function readExecutorEnvironment(env: Readonly<Record<string, string | undefined>>): ExecutorEnvironment {
  const need = (name: string): string => {
    const value = env[name];
    if (value !== undefined && value !== '') return value;
    throw new OperatorError('BAD_REQUEST', `Expected the environment variable ${name}, which a Mesos agent sets`, {
      hint: 'The executor is started by a Mesos agent, not by hand.',
    });
  };
  const maxMs = parseDuration(env['MESOS_SUBSCRIPTION_BACKOFF_MAX'] ?? '2secs');
  const authToken = env['MESOS_EXECUTOR_AUTHENTICATION_TOKEN'];
  const ca = env[CA_VARIABLE];
  // As libprocess has it, and as Mesos's own executors decide between http and https.
  const caFile = env['LIBPROCESS_SSL_CA_FILE'];
  const secure = /^(1|true)$/.test(env['LIBPROCESS_SSL_ENABLED'] ?? '');
  return {
    agentEndpoint: `${secure ? 'https://' : ''}${need('MESOS_AGENT_ENDPOINT')}`,
    frameworkId: need('MESOS_FRAMEWORK_ID'),
    executorId: need('MESOS_EXECUTOR_ID'),
    checkpoint: env['MESOS_CHECKPOINT'] === '1',
    recoveryTimeoutMs: parseDuration(env['MESOS_RECOVERY_TIMEOUT'] ?? '15mins'),
    backoff: { minMs: Math.min(MIN_BACKOFF_MS, maxMs), maxMs },
    shutdownGracePeriodMs: parseDuration(env['MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD'] ?? '5secs'),
    sandbox: need('MESOS_SANDBOX'),
    ...(authToken === undefined ? {} : { authToken }),
    ...(ca === undefined ? {} : { ca }),
    ...(caFile === undefined ? {} : { caFile }),
  };
}
