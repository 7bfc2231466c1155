import test from 'ava';
import { Metrics } from '../../../src/metrics/metrics.ts';
import { startApi } from '../helpers.ts';

test('Prometheus can read the metrics by the type that it asks for', async (t) => {
  const metrics = new Metrics();
  const api = await startApi(t, { deps: { metrics: () => metrics.render() } });
  metrics.observe({ state: api.state, jobs: api.jobs, waiting: () => [] });
  const { status, headers, text } = await api.call('GET', '/metrics', {
    headers: { accept: 'text/plain;version=0.0.4' },
  });
  t.is(status, 200);
  t.is(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  t.regex(text, /^process_cpu_seconds_total \S+$/m);
  t.regex(text, /^cassandra_mesos_nodes_ready 3$/m);
});
