import test from 'ava';
import { aNode, startApi } from '../helpers.ts';

const NODES = [
  aNode(0),
  aNode(1, { serverState: 'NONE' }),
  aNode(2, { targetRunState: 'TERMINATE' }),
  aNode(3, { agentId: null, hostname: null, ip: null, ports: null }),
];

test('The report names where each member with a place can be looked into', async (t) => {
  const api = await startApi(t, { nodes: NODES });
  const { nodes } = (await api.call('GET', '/qa/report/resources')).body;
  t.deepEqual(Object.keys(nodes), ['cassandra.dev.node.0.executor', 'cassandra.dev.node.1.executor']);
  t.deepEqual(nodes['cassandra.dev.node.0.executor'], {
    agentId: 'agent-0',
    ip: '127.0.0.1',
    hostname: 'slave0',
    targetRunState: 'RUN',
    jmxIp: '127.0.0.1',
    jmxPort: 7199,
    live: true,
    logfiles: ['stdout', 'stderr', 'logs/system.log', 'logs/output.log'],
  });
  t.false(nodes['cassandra.dev.node.1.executor'].live);
});

test('Who asks for text gets lines', async (t) => {
  const api = await startApi(t, { nodes: NODES });
  const { headers, text } = await api.call('GET', '/qa/report/resources', { headers: { accept: 'text/plain' } });
  t.regex(String(headers['content-type']), /^text\/plain/);
  const logs = 'LOG: stdout\nLOG: stderr\nLOG: logs/system.log\nLOG: logs/output.log\n';
  t.is(
    text,
    ['127.0.0.1', '127.0.0.2'].map((ip) => `JMX_PORT: 7199\nJMX_IP: 127.0.0.1\nNODE_IP: ${ip}\n${logs}`).join(''),
  );
  for (const accept of ['*/*', 'application/json', 'text/html, */*']) {
    const json = await api.call('GET', '/qa/report/resources', { headers: { accept } });
    t.is(json.headers['content-type'], 'application/json; charset=utf-8', accept);
  }
});
