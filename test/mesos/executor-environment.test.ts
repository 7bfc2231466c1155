import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { CA_VARIABLE, readExecutorEnvironment } from '../../src/mesos/executor-environment.ts';
import { recordedLine } from './recorded.ts';

test('what a real agent told its executor is read', (t) => {
  const { sandbox, ...rest } = readExecutorEnvironment(recordedLine('02-executor.jsonl', 1).env ?? {});
  t.regex(sandbox, /^\/var\/lib\/mesos\/.*\/executors\/node\.0\.executor\/runs\//);
  t.deepEqual(rest, {
    agentEndpoint: '127.0.0.1:5151',
    frameworkId: '686a69e7-bbef-49a5-bad4-109dce9992c2-0000',
    executorId: 'node.0.executor',
    checkpoint: true,
    recoveryTimeoutMs: 900_000,
    backoff: { minMs: 100, maxMs: 10_000 },
    shutdownGracePeriodMs: 3000,
  });
});

test('the token of an authenticating agent is read', (t) => {
  const { authToken } = readExecutorEnvironment(recordedLine('09-executor-authentication.jsonl', 1).env ?? {});
  t.is(authToken, 'recorded-executor-token');
});

test('an agent with TLS is reached by https, and checked by the CA of the scheduler or of the agent', (t) => {
  const plain = recordedLine('02-executor.jsonl', 1).env ?? {};
  const secure = { ...plain, LIBPROCESS_SSL_ENABLED: '1', LIBPROCESS_SSL_CA_FILE: '/etc/mesos/ca.pem' };
  t.like(readExecutorEnvironment({ ...secure, [CA_VARIABLE]: 'PEM' }), {
    agentEndpoint: 'https://127.0.0.1:5151',
    ca: 'PEM',
    caFile: '/etc/mesos/ca.pem',
  });
  t.is(readExecutorEnvironment({ ...plain, LIBPROCESS_SSL_ENABLED: 'true' }).agentEndpoint, 'https://127.0.0.1:5151');
  t.is(readExecutorEnvironment({ ...plain, LIBPROCESS_SSL_ENABLED: '0' }).agentEndpoint, '127.0.0.1:5151');
});

test('an agent without checkpointing leaves variables out', (t) => {
  const { checkpoint, backoff } = readExecutorEnvironment({
    MESOS_AGENT_ENDPOINT: '127.0.0.1:5051',
    MESOS_FRAMEWORK_ID: 'f',
    MESOS_EXECUTOR_ID: 'e',
    MESOS_SANDBOX: '/sandbox',
    MESOS_CHECKPOINT: '0',
  });
  t.false(checkpoint);
  t.true(backoff.minMs <= backoff.maxMs);
});

test('a missing variable is named', (t) => {
  const error = t.throws(() => readExecutorEnvironment({}), { instanceOf: OperatorError });
  t.is(error.code, 'BAD_REQUEST');
  t.regex(error.message, /MESOS_AGENT_ENDPOINT/);
});
