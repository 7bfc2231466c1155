// The protocol tests once more, on bad wires: between our scheduler's client and the master, and between the executor's
// and its agent when these are the embedded ones. TEST_WIRE_FAULTS=<seed> gives other faults.
import test from 'ava';
import { makeWiresBad } from './helpers/bad-wire.ts';
import { LEFT_OUT, TITLES } from './helpers/protocol-test.ts';

makeWiresBad(1);
await import('./protocol.test.ts');
await import('./protocol-tasks.test.ts');
await import('./protocol-operations.test.ts');

test('what is left out on bad wires are tests that there are', (t) => {
  for (const begin of Object.values(LEFT_OUT).flat()) {
    t.is(TITLES.filter((title) => title.startsWith(begin)).length, 1, begin);
  }
});
