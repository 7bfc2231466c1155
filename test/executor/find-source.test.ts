import test from 'ava';
import { findSource } from '../../src/executor/find-source.ts';

const node = (number: number, tokens: string[], hostId = `host-${number}`) => ({
  executorId: `node.${number}`,
  hostId,
  tokens,
  hostname: '',
  ip: '',
  schemaVersion: '',
  manifestSha256: '',
  files: 0,
  bytes: 0,
});
const nodes = [node(0, ['-100', '5']), node(1, ['20'])];

test('the node with the same tokens is the source, whatever its names', (t) => {
  const self = { executorId: 'node.7', hostId: 'new', tokens: ['5', '-100'] };
  t.is(findSource(nodes, self).executorId, 'node.0');
});

test('tokens decide against the executor id', (t) => {
  t.is(findSource(nodes, { executorId: 'node.0', hostId: 'new', tokens: ['20'] }).executorId, 'node.1');
});

test('a node with the host id and other tokens is refused, both named', (t) => {
  const self = { executorId: 'node.9', hostId: 'host-1', tokens: ['21'] };
  t.throws(() => findSource(nodes, self), {
    code: 'TOPOLOGY_MISMATCH',
    message: /node\.9 .* 21, but .* node\.1 .* 20/,
  });
});

test('a node that the backup does not know is refused with what it holds', (t) => {
  const self = { executorId: 'node.9', hostId: 'new', tokens: ['21'] };
  t.throws(() => findSource(nodes, self), {
    code: 'TOPOLOGY_MISMATCH',
    message: /node\.0 with -100, 5, node\.1 with 20/,
  });
});
