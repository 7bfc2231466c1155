import test from 'ava';
import { NOW, startApi } from '../helpers.ts';

test('The last offers say what became of them, and what waits says why', async (t) => {
  const offer = { agentId: 'agent-0', hostname: 'slave0', received: NOW, reason: 'port 9042 is not in the offer' };
  const waiting = {
    executorId: 'cassandra.dev.node.2.executor',
    kind: 'server',
    reason: 'waits for an offer',
  } as const;
  const launched = ['cassandra.dev.node.1.executor.server.1'];
  const api = await startApi(t, {
    deps: {
      offers: () => ({
        offers: [
          { ...offer, launched: [] },
          { ...offer, agentId: 'agent-1', launched },
        ],
        waiting: [waiting],
      }),
    },
  });
  t.deepEqual((await api.call('GET', '/offers/last')).body, {
    offers: [
      { ...offer, decision: 'DECLINED', launched: [] },
      { ...offer, agentId: 'agent-1', decision: 'LAUNCHED', launched },
    ],
    waiting: [waiting],
  });
});
