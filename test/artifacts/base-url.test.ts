import test from 'ava';
import { artifactBase, unreachableBase } from '../../src/artifacts/base-url.ts';

const hostname = 'scheduler.example';

test('agents fetch from where the REST API listens', (t) => {
  t.is(artifactBase({ host: '10.0.0.7', port: 18080, hostname }), 'http://10.0.0.7:18080');
  t.is(artifactBase({ host: 'fd00::7', port: 18080, hostname }), 'http://[fd00::7]:18080');
});

test('an API on all addresses is reached by the name of its machine', (t) => {
  for (const host of ['0.0.0.0', '::']) {
    t.is(artifactBase({ host, port: 31000, hostname }), 'http://scheduler.example:31000');
  }
});

test('what the operator says comes before everything, a path as well', (t) => {
  const advertised = 'https://proxy.example/cassandra/';
  t.is(artifactBase({ host: '127.0.0.1', port: 1, advertised, hostname }), 'https://proxy.example/cassandra');
});

test('a loopback address is wrong for agents elsewhere, and the operator is told what to set', (t) => {
  for (const master of ['master1:5050', 'http://10.0.0.1:5050', '127.0.0.1:5050,10.0.0.2:5050']) {
    t.regex(unreachableBase('http://127.0.0.1:18080', master) ?? '', /--advertise-url/, master);
  }
  const zookeeper = unreachableBase('http://localhost:18080', 'zk://user:pass@zk1:2181,zk2:2181/mesos') ?? '';
  t.regex(zookeeper, /zk1, zk2/);
  t.notRegex(zookeeper, /pass/);
});

test('a loopback address is right where everything is on this machine, any other address everywhere', (t) => {
  for (const master of ['127.0.0.1:5050', 'http://localhost:5050/', '[::1]:5050', 'zk://127.0.0.1:2181/mesos']) {
    t.is(unreachableBase('http://127.0.0.1:18080', master), null, master);
  }
  t.is(unreachableBase('http://scheduler.example:18080', 'master1:5050'), null);
});
