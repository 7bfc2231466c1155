import { readFileSync } from 'node:fs';
import test from 'ava';
import { checkLocation } from '../../src/storage/open.ts';
import { aNode, startApi } from './helpers.ts';
import { ended } from './job-fixtures.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** All calls of a guide, in its order. */
const calls = [
  ...read('docs/rest-api.md').matchAll(/curl (?<options>[^\n]*?)'?http:\/\/[^/\s']+(?<path>\/[^\s')]*)/g),
].map(({ groups = {} }) => ({
  method: /-X (\w+)/.exec(groups['options'] ?? '')?.[1] ?? (groups['options']?.includes('--json') ? 'POST' : 'GET'),
  path: groups['path'] ?? '',
  body: /--json '([^']*)'/.exec(groups['options'] ?? '')?.[1],
}));

test('Every call in the guide to the REST API works as it stands', async (t) => {
  const nodes = [0, 1, 2].map((number) => aNode(number, { executorId: `cassandra.cassandra.node.${number}.executor` }));
  const cluster = {
    name: 'cassandra',
    frameworkName: 'cassandra.cassandra',
    targetNodes: () => nodes.length,
    seedCount: 1,
  };
  const start = () => startApi(t, { nodes, deps: { cluster } });
  const shared = await start();
  t.true(calls.length > 30);
  for (const { method, path, body } of calls) {
    // After the end of the cluster nothing else would work.
    const api = path.startsWith('/cluster/destroy') ? await start() : shared;
    const running = api.jobs.running();
    if (running && (method === 'DELETE' || /\/(last|start|verify|replace|remove\?)/.test(path))) {
      api.jobs.update(running.id, (job) => ended(job, 'SUCCESS'));
    }
    const dead = nodes.find(({ executorId }) => path === `/node/${executorId}/replace`);
    if (dead) api.state.nodes.save({ ...dead, serverState: 'NONE', lastError: 'TASK_LOST: the agent is gone' });
    // Whoever reads on has new nodes up by then.
    for (const { number, executorId, agentId, replaces } of api.state.nodes.all()) {
      if (agentId === null) api.state.nodes.save(aNode(number, { executorId, replaces }));
    }
    // The last example repeats the first one with a token, and a name is used once.
    const repeated = path.includes('name=monday') && api.jobs.list().some(({ type }) => type === 'BACKUP');
    const fresh = repeated && path.includes('/backup/') ? path.replace('monday', 'monday-again') : path;
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await api.call(method, fresh, { headers, ...(body === undefined ? {} : { body }) });
    t.is(answer.status, 200, `${method} ${fresh}: ${answer.text}`);
  }
});

test('Operations says what to do about every error code, and about no other', (t) => {
  const table = /const TABLE = \{(.*?)\n\}/s.exec(read('src/errors.ts'))?.[1] ?? '';
  const codes = [...table.matchAll(/^ {2}([A-Z_]+):/gm)].map(([, code = '']) => code);
  const described = [...read('docs/operations.md').matchAll(/^\| `([A-Z_]+)` +\|/gm)].map(([, code = '']) => code);
  t.true(codes.length > 20);
  t.deepEqual(described.toSorted(), codes.toSorted());
});

test('Every location in the guides is one that a node could open', (t) => {
  const guides = ['docs/operations.md', 'docs/rest-api.md', 'docs/mesos.md', 'README.md'].map(read).join('\n');
  const locations = [...guides.matchAll(/'((?:s3|azure|gs|file):\/\/[^'\s]+)'/g)].map(([, location = '']) => location);
  t.true(locations.length > 10);
  for (const location of locations) t.notThrows(() => checkLocation(location), location);
});
