// A process of its own that has a state file open: prints `ready` and then stays. With `write` it is in the middle
// of a transaction that has changed things by then.
import { writeSync } from 'node:fs';
import { openState } from '../../src/state/database.ts';
import { node } from '../jobs/helpers.ts';

const [path = '', mode] = process.argv.slice(2);
const state = openState(path);
state.framework.set('before', 'stored');

function stay(): never {
  writeSync(1, 'ready\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  throw new Error('woken by nobody');
}

if (mode === 'write') {
  state.transaction(() => {
    state.framework.set('before', 'changed');
    state.nodes.save(node(0));
    stay();
  });
}
stay();
