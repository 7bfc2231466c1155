import test from 'ava';
import { ownFolder, parseRing, type Adopter } from '../../src/executor/own-folder.ts';

type Tree = Parameters<typeof ownFolder>[0];

const NODE: Adopter = { number: 1, ip: '10.0.0.2', hostname: 'h2', tokens: ['-100', '200'] };
const DCOS: Tree = { madeBy: 'dcos-cassandra', nodes: ['node-0', 'node-1', 'node-10'] };
const HOSTS: Tree = { madeBy: 'cassandra_snapshotter', nodes: ['10.0.0.1', '10.0.0.2', 'h2'] };

test('of DC/OS it is the folder with the number of the node', (t) => {
  t.is(ownFolder(DCOS, NODE), 'node-1');
  t.is(ownFolder(DCOS, { ...NODE, number: 10 }), 'node-10');
  t.is(ownFolder(DCOS, { ...NODE, number: 2 }), null);
});

test('of hosts it is that of the ip, then that of the host name, each by its whole name', (t) => {
  t.is(ownFolder(HOSTS, NODE), '10.0.0.2');
  t.is(ownFolder(HOSTS, { ...NODE, ip: '10.0.0.20' }), 'h2');
  t.is(ownFolder(HOSTS, { ...NODE, ip: '10.0.0.20', hostname: 'h' }), null);
});

test('what the map says counts before any name, and what it gives to one node nobody else takes', (t) => {
  t.is(ownFolder(DCOS, NODE, { 'node-10': 1 }), 'node-10');
  t.is(ownFolder(DCOS, NODE, { 'node-1': 0 }), null);
  t.is(ownFolder(HOSTS, NODE, { '10.0.0.2': 0 }), 'h2');
  t.is(ownFolder(HOSTS, NODE, { elsewhere: 1 }), null);
});

test('the address that had the tokens of the node counts before its present ip', (t) => {
  const ring = new Map([
    ['10.0.0.1', ['200', '-100']],
    ['10.0.0.2', ['5', '6']],
  ]);
  t.is(ownFolder(HOSTS, NODE, {}, ring), '10.0.0.1');
});

test('a folder of other tokens is refused, also where the map says it', (t) => {
  const ring = new Map([['10.0.0.2', ['5', '6']]]);
  const expected = { code: 'TOPOLOGY_MISMATCH', message: /10\.0\.0\.2.* with the tokens -100, 200 .* had 5, 6 there/ };
  t.throws(() => ownFolder(HOSTS, NODE, {}, ring), expected);
  t.throws(() => ownFolder(HOSTS, { ...NODE, ip: '10.0.0.9', hostname: '' }, { '10.0.0.2': 1 }, ring), expected);
});

test('what nodetool ring prints is read', (t) => {
  const text = [
    '',
    'Datacenter: datacenter1',
    '==========',
    'Address      Rack        Status State   Load            Owns                Token',
    '                                                                            200',
    '10.0.0.1     rack1       Up     Normal  108.13 KiB      66.67%              -100',
    '10.0.0.2     rack1       Down   Normal  ?               ?                   -9',
    '10.0.0.1     rack1       Up     Leaving 108.13 KiB      66.67%              200',
    '',
    '  Warning: "nodetool ring" is used to output all the tokens of a node.',
  ].join('\n');
  t.deepEqual(
    [...parseRing(text)],
    [
      ['10.0.0.1', ['-100', '200']],
      ['10.0.0.2', ['-9']],
    ],
  );
});
