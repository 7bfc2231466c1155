import test from 'ava';
import { cassandraErrors, jvmErrors, lastLines } from '../../src/cassandra/error-lines.ts';

test("of Cassandra's log, the errors and their causes are quoted, without stack and repetition", (t) => {
  const log = [
    'INFO  [main] 2026-11-21 00:00:00,000 X.java:1 - Starting',
    'WARN  [main] 2026-11-21 00:00:00,000 X.java:1 - An Error in a warning is none',
    'ERROR [main] 2026-11-21 00:00:01,000 X.java:2 - Exception encountered during startup',
    'org.apache.cassandra.exceptions.ConfigurationException: Invalid yaml',
    '\tat org.apache.cassandra.Main.run(Main.java:1)',
    'Caused by: java.net.BindException: Address already in use',
    'Caused by: java.net.BindException: Address already in use',
  ].join('\n');
  t.deepEqual(cassandraErrors(log), [
    'ERROR [main] 2026-11-21 00:00:01,000 X.java:2 - Exception encountered during startup',
    'org.apache.cassandra.exceptions.ConfigurationException: Invalid yaml',
    'Caused by: java.net.BindException: Address already in use',
  ]);
});

test("of the JVM's output, what it could not do is quoted", (t) => {
  const output = 'I> No access restrictor found\nTerminating due to java.lang.OutOfMemoryError: Java heap space\n';
  t.deepEqual(jvmErrors(output), ['Terminating due to java.lang.OutOfMemoryError: Java heap space']);
  t.deepEqual(jvmErrors("Unrecognized VM option 'X'\n"), ["Unrecognized VM option 'X'"]);
});

test('a quotation is the last lines, short and without empty ones', (t) => {
  t.is(lastLines(['1', '2', '3', '', '4', '5', '  ', '6', '7']), '2\n3\n4\n5\n6\n7');
  t.is(lastLines(['x'.repeat(10_000)]).length, 500);
  t.is(lastLines([]), '');
});
