import test from 'ava';
import { attributesOf, factsOfOffer, placeNames } from '../../src/scheduler/fault-domain.ts';
import type { Offer } from '../../src/mesos/types.ts';
import { aNode, anOffer, runningNode, settings } from './helpers.ts';

const domain = { faultDomain: { region: { name: 'eu' }, zone: { name: 'eu-1' } } };
const text = (name: string, value: string) => ({ name, type: 'TEXT' as const, text: { value } });

function names(changes: Partial<Offer>, node = aNode(0)) {
  return placeNames(node, attributesOf({ ...anOffer('h'), ...changes }), settings);
}

test('rack and datacenter are what the agent says, else its fault domain, else the settings', (t) => {
  const attributes = [text('CASSANDRA_RACK', 'R7'), text('CASSANDRA_DC', 'D7')];
  t.deepEqual(names({ attributes, domain }), { datacenter: 'D7', rack: 'R7' });
  t.deepEqual(names({ domain }), { datacenter: 'eu', rack: 'eu-1' });
  t.deepEqual(names({}), { datacenter: 'DC1', rack: 'RAC1' });
});

test('a node keeps the rack and datacenter of its first launch', (t) => {
  const node = runningNode(0, { datacenter: 'D1', rack: 'R1' });
  t.deepEqual(names({ domain }, node), { datacenter: 'D1', rack: 'R1' });
});

test('a node with data whose names were not kept has those of the settings', (t) => {
  t.deepEqual(names({ domain }, runningNode(0)), { datacenter: 'DC1', rack: 'RAC1' });
});

test('constraints see text and scalar attributes, region, zone and the host', (t) => {
  const attributes = [
    text('rack', 'r1'),
    { name: 'disks', type: 'SCALAR' as const, scalar: { value: 2 } },
    { name: 'ports', type: 'RANGES' as const, ranges: { range: [{ begin: 1, end: 2 }] } },
  ];
  t.deepEqual(factsOfOffer({ ...anOffer('h'), attributes, domain }), {
    rack: 'r1',
    disks: '2',
    '@region': 'eu',
    '@zone': 'eu-1',
    hostname: 'h',
  });
});
