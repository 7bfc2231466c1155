import test from 'ava';
import { javaArguments, parseJavaMajor, supportedJava } from '../../src/cassandra/jvm.ts';
import { nodePaths } from '../../src/cassandra/paths.ts';
import { request } from './request.ts';

const paths = nodePaths(['/disk 0'], 'cassandra.c.node.0.executor', '/sand box');
const distribution = { lib: '/opt/cassandra/lib', jamm: '/opt/cassandra/lib/jamm-0.4.0.jar', version: '5.0.5' };
const argumentsOf = (overrides = {}, javaMajor = 17) =>
  javaArguments(request(overrides), paths, distribution, javaMajor);

test('the command line names the agents, the configuration and the main class, in working order', (t) => {
  const args = argumentsOf();
  for (const expected of [
    '-javaagent:/opt/cassandra/lib/jamm-0.4.0.jar',
    '-javaagent:/opt/jolokia.jar=config=/sand box/conf/jolokia.properties',
    '-Dcassandra.config=file:///sand%20box/conf/cassandra.yaml',
    '-Dlogback.configurationFile=file:///sand%20box/conf/logback.xml',
    '-Dcassandra.storagedir=/disk 0/cassandra.c.node.0.executor',
    '-Dcassandra.jmx.local.port=7199',
    '-Dsun.net.httpserver.nodelay=true',
    '--add-opens=java.base/java.nio=ALL-UNNAMED',
  ]) {
    t.true(args.includes(expected), expected);
  }
  t.deepEqual(args.slice(-3), [
    '-cp',
    '/sand box/conf:/opt/cassandra/lib/*',
    'org.apache.cassandra.service.CassandraDaemon',
  ]);
});

test("the operator's options come after ours, so that they win", (t) => {
  const args = argumentsOf({ jvmOptions: ['-Xmx1G', '-Dcassandra.ring_delay_ms=2000'] });
  t.deepEqual(args.slice(-5, -3), ['-Xmx1G', '-Dcassandra.ring_delay_ms=2000']);
});

test('a node that takes the place of a dead one says so, in a way that counts for its first start only', (t) => {
  t.true(argumentsOf({ replaces: '10.0.0.7' }).includes('-Dcassandra.replace_address_first_boot=10.0.0.7'));
  t.false(argumentsOf().some((option) => option.includes('replace_address')));
});

test('a small heap starts fast, a large one pauses shortly', (t) => {
  const small = argumentsOf({ heapMb: 512 });
  t.true(['-Xms512M', '-Xmx512M', '-XX:+UseSerialGC'].every((option) => small.includes(option)));
  const large = argumentsOf({ heapMb: 8192 });
  t.true(['-Xms8192M', '-Xmx8192M', '-XX:+UseG1GC'].every((option) => large.includes(option)));
  t.false(large.includes('-XX:+UseSerialGC'));
});

test('Java 8 has no modules to open', (t) => {
  t.false(argumentsOf({}, 8).some((option) => option.startsWith('--add')));
});

test('only a node with an IPv4 address is held to IPv4', (t) => {
  t.true(argumentsOf({ address: '10.0.0.1' }).includes('-Djava.net.preferIPv4Stack=true'));
  t.false(argumentsOf({ address: '2001:db8::1' }).includes('-Djava.net.preferIPv4Stack=true'));
});

test('the major release is read from what java prints of itself', (t) => {
  t.is(parseJavaMajor('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime …'), 17);
  t.is(parseJavaMajor('java version "1.8.0_402"'), 8);
  t.is(parseJavaMajor('openjdk version "25" 2025-09-16'), 25);
  t.is(parseJavaMajor('command not found'), null);
});

test('every release of Cassandra has its Java', (t) => {
  t.deepEqual(['3.11.19', '4.1.9', '5.0.5'].map(supportedJava), [[8], [8, 11], [11, 17]]);
});
