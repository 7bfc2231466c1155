import { EventEmitter, once } from 'node:events';
import test from 'ava';
import { OwnBytes } from '../../src/bin/own-bytes.ts';

const AT = 'file:///backup';
const counted = (bytes: number, before = 'a', after = before) => ({ bytes, before, after });

test('what was counted is known as long as the same backups are there', async (t) => {
  const own = new OwnBytes();
  t.is(await own.count(AT, 'monday', () => Promise.resolve(counted(5))), 5);
  own.settle(AT, 'a');
  t.is(own.known(AT, 'monday'), 5);
  t.is(own.known('file:///other', 'monday'), null);
  own.settle(AT, 'b');
  t.is(own.known(AT, 'monday'), null);
});

test('what was counted while backups came or went is not believed', async (t) => {
  const own = new OwnBytes();
  t.is(await own.count(AT, 'monday', () => Promise.resolve(counted(5, 'a', 'b'))), null);
  t.is(own.known(AT, 'monday'), null);
});

test('one backup is counted at a time, and once for all who ask meanwhile', async (t) => {
  const own = new OwnBytes();
  const begun: string[] = [];
  const events = new EventEmitter();
  const first = once(events, 'counted').then(() => counted(5));
  const asked = [
    own.count(AT, 'monday', () => (begun.push('monday'), first)),
    own.count(AT, 'tuesday', () => (begun.push('tuesday'), Promise.resolve(counted(7)))),
    own.count(AT, 'monday', () => Promise.reject(new Error('counted twice'))),
  ];
  await Promise.resolve();
  t.deepEqual(begun, ['monday']);
  events.emit('counted');
  t.deepEqual(await Promise.all(asked), [5, 7, 5]);
  t.deepEqual(begun, ['monday', 'tuesday']);
});

test('a count that failed is told, and keeps nobody from the next', async (t) => {
  const own = new OwnBytes();
  await t.throwsAsync(
    own.count(AT, 'monday', () => Promise.reject(new Error('unmounted'))),
    { message: 'unmounted' },
  );
  t.is(await own.count(AT, 'monday', () => Promise.resolve(counted(5))), 5);
});
