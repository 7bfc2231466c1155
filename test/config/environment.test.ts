import test from 'ava';
import { checkEnvironment, externalDcs, withAliases } from '../../src/config/environment.ts';
import { schedulerCommand } from './parsed.ts';

const check = (env: NodeJS.ProcessEnv): string[] => checkEnvironment(env, [...schedulerCommand().options]);

test('every variable of the forerunner is known: read, or said to have no effect', (t) => {
  const forerunners = {
    PORT0: '18080',
    HOST: '127.0.0.1',
    CASSANDRA_CLUSTER_NAME: 'dev',
    CASSANDRA_NODE_COUNT: '3',
    CASSANDRA_SEED_COUNT: '2',
    CASSANDRA_RESOURCE_CPU_CORES: '2',
    CASSANDRA_RESOURCE_MEM_MB: '2048',
    CASSANDRA_RESOURCE_DISK_MB: '2048',
    CASSANDRA_RESOURCE_HEAP_MB: '0',
    CASSANDRA_HEALTH_CHECK_INTERVAL_SECONDS: '60',
    CASSANDRA_BOOTSTRAP_GRACE_TIME_SECONDS: '120',
    CASSANDRA_ZK: 'zk://localhost:2181/cassandra-mesos',
    CASSANDRA_ZK_TIMEOUT_MS: '10000',
    MESOS_ZK: 'zk://localhost:2181/mesos',
    MESOS_USER: '',
    CASSANDRA_FAILOVER_TIMEOUT_SECONDS: '604800',
    CASSANDRA_FRAMEWORK_MESOS_ROLE: '*',
    CASSANDRA_DATA_DIRECTORY: '.',
    CASSANDRA_BACKUP_DIRECTORY: './backup',
    CASSANDRA_JMX_LOCAL: 'true',
    CASSANDRA_JMX_NO_AUTHENTICATION: 'true',
    CASSANDRA_DEFAULT_RACK: 'RAC1',
    CASSANDRA_DEFAULT_DC: 'DC1',
    CASSANDRA_EXTERNAL_DC_west: 'http://10.1.0.7:18080',
    MESOS_AUTHENTICATE: 'false',
    DEFAULT_PRINCIPAL: 'cassandra-framework',
    CASSANDRA_FILE_PATH: '/opt/apache-cassandra-5.0.5-bin.tar.gz',
  };
  const warned = check(forerunners).map((warning) => warning.split(' ')[0]);
  t.deepEqual(warned, [
    'CASSANDRA_ZK',
    'CASSANDRA_ZK_TIMEOUT_MS',
    'CASSANDRA_BOOTSTRAP_GRACE_TIME_SECONDS',
    'MESOS_AUTHENTICATE',
  ]);
});

test('a variable that nobody reads is refused by name', (t) => {
  const error = t.throws(() => check({ CASSANDRA_NODE_CUONT: '5' }));
  t.like(error, { code: 'BAD_REQUEST', message: 'Expected no variable CASSANDRA_NODE_CUONT: nothing reads it' });
  t.deepEqual(check({ CASSANDRA_HOME: '/opt/cassandra', MESOS_TASK_ID: 'of-marathon', PATH: '/bin' }), []);
});

test('JMX that others can reach cannot be had, and is refused instead of ignored', (t) => {
  t.throws(() => check({ CASSANDRA_JMX_LOCAL: 'false' }), {
    message: /Expected CASSANDRA_JMX_LOCAL=true, got "false"/,
  });
});

test("the forerunner's names stand in for ours where those are not set", (t) => {
  t.like(withAliases({ MESOS_ZK: 'zk://z/mesos' }), { MESOS_MASTER: 'zk://z/mesos' });
  t.like(withAliases({ MESOS_ZK: 'zk://z/mesos', MESOS_MASTER: 'm:5050' }), { MESOS_MASTER: 'm:5050' });
});

test('other datacenters are named by variables of their own', (t) => {
  t.deepEqual(externalDcs({ CASSANDRA_EXTERNAL_DC_west: 'http://10.1.0.7:18080/' }), [
    { name: 'west', url: 'http://10.1.0.7:18080' },
  ]);
  t.throws(() => externalDcs({ CASSANDRA_EXTERNAL_DC_west: '10.1.0.7' }), { message: /Expected an http or https URL/ });
});
