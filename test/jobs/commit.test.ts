import { hash } from 'node:crypto';
import test from 'ava';
import { stepRequest } from '../../src/jobs/next-steps.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { CLUSTER, error, id } from './helpers.ts';
import { ticker, type Ticker } from './ticker.ts';

const COMMIT = 2;
const MANY = 60;

const request = (turned: Ticker, number: number): StepRequest => stepRequest(turned.job, COMMIT, number, CLUSTER);

test('in a small ring all nodes are sent the record at once', (t) => {
  const turned = ticker('BACKUP', 3).until('commit');
  t.is(turned.active().length, 3);
  for (const number of [0, 1, 2]) t.like(JSON.parse(request(turned, number).record ?? ''), { name: 'b1' });
});

test('in a big ring one node writes the record, then all others look for it', (t) => {
  const turned = ticker('BACKUP', MANY).until('commit');
  t.deepEqual(turned.active(), ['commit 0']);
  const { record, recordSha256 } = request(turned, 0);
  t.is(recordSha256, hash('sha256', record ?? ''));
  turned.end().tick();
  t.is(turned.active().length, 50);
  t.like(request(turned, 1), { record: null, recordSha256 });
});

test('as long as no node could write the record, the next one tries alone', (t) => {
  const turned = ticker('BACKUP', MANY).until('commit');
  turned.end(() => error('STORAGE_FAILED', 'read-only')).tick();
  t.deepEqual(turned.active(), ['commit 1']);
  t.not(request(turned, 1).record, null);
});

test('a node that does not find the record is sent it at once, and the backup is whole', (t) => {
  const turned = ticker('BACKUP', MANY).until('commit');
  turned.end().tick();
  turned.end(({ executorId }) => (executorId === id(7) ? error('RECORD_MISSING', 'it is missing') : undefined)).tick();
  t.like(turned.step('commit', 7), { state: 'LAUNCHING', attempt: 2 });
  t.not(request(turned, 7).record, null);
  t.is(turned.run().result, 'SUCCESS');
});

test('where each node sees its own location every node is sent the record', (t) => {
  const turned = ticker('BACKUP', MANY);
  turned.job = { ...turned.job, location: 'backup' };
  turned.until('commit');
  t.is(turned.active().length, 50);
  t.not(request(turned, 49).record, null);
});
