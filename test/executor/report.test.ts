import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { Reporter } from '../../src/executor/report.ts';

function makeReporter() {
  const clock = { time: 1000, now: () => clock.time, sleep: () => Promise.resolve() };
  return { clock, reporter: new Reporter('node.0', clock) };
}

test('a keyspace is timed from its begin to its end, and shows its time while it is at work', (t) => {
  const { clock, reporter } = makeReporter();
  reporter.plan(['one', 'two']);
  reporter.begin('one');
  reporter.table('one', 't');
  clock.time += 30;
  t.is(reporter.report.keyspaces['one']?.durationMillis, 30);
  clock.time += 12;
  reporter.succeeded('one');
  clock.time += 100;
  t.is(reporter.report.keyspaces['one']?.durationMillis, 42);
  t.deepEqual(reporter.report.remainingKeyspaces, ['two']);
});

test('files and bytes add up by table, keyspace and step', (t) => {
  const { reporter } = makeReporter();
  reporter.filesDone('one', 'a', { files: 1, bytes: 10 });
  reporter.filesDone('one', 'a', { files: 2, bytes: 5 });
  reporter.filesDone('one', 'b', { files: 1, bytes: 1 });
  const { keyspaces, filesDone } = reporter.report;
  t.is(filesDone, 4);
  t.is(keyspaces['one']?.bytes, 16);
  t.like(keyspaces['one']?.tables, { a: { files: 3, bytes: 15 }, b: { files: 1, bytes: 1 } });
});

test('the total is never less than what is done', (t) => {
  const { reporter } = makeReporter();
  reporter.expect({ bytes: 10, files: null });
  reporter.moved(15);
  t.is(reporter.report.bytesTotal, 15);
  reporter.expect({ bytes: 12, files: null });
  t.is(reporter.report.bytesTotal, 15);
});

test('an error is reported once, and the one that decides comes first', (t) => {
  const { reporter } = makeReporter();
  const corrupt = new OperatorError('SSTABLE_CORRUPT', 'corrupt', { details: { table: 't' } });
  const gone = new OperatorError('CASSANDRA_UNAVAILABLE', 'gone');
  reporter.begin('one');
  reporter.failed('one', corrupt);
  reporter.begin('two');
  reporter.failed('two', gone);
  reporter.decided(gone);
  const { errors, keyspaces } = reporter.report;
  t.deepEqual(
    errors.map(({ keyspace, table, code }) => [keyspace, table, code]),
    [
      ['two', null, 'CASSANDRA_UNAVAILABLE'],
      ['one', 't', 'SSTABLE_CORRUPT'],
    ],
  );
  t.is(keyspaces['one']?.tables['t']?.error, 'corrupt');
});

test('a report that was handed out does not change any more', (t) => {
  const { reporter } = makeReporter();
  const before = reporter.report;
  reporter.filesDone('one', 'a', { files: 1, bytes: 10 });
  t.deepEqual(before.keyspaces, {});
});

test('an error says in its message what to do: of a job, nobody reads a hint', (t) => {
  const { reporter } = makeReporter();
  reporter.error(new OperatorError('STORAGE_FAILED', 'There is no such key.', { hint: 'Add its line.' }));
  t.deepEqual(
    reporter.report.errors.map(({ message }) => message),
    ['There is no such key. Add its line.'],
  );
});
