import test from 'ava';
import { lastErrors, logbackXml } from '../../src/cassandra/logback.ts';

test('the log is rolled and kept small, in a directory of whatever name', (t) => {
  const xml = logbackXml('/a & <b>');
  t.true(xml.includes('<file>/a &amp; &lt;b&gt;/system.log</file>'));
  t.regex(xml, /<maxFileSize>20MB<\/maxFileSize>/);
  t.regex(xml, /<maxIndex>5<\/maxIndex>/);
});

test('of a log, the errors and their causes are quoted, without stack and repetition', (t) => {
  const log = [
    'INFO  [main] 2026-11-21 00:00:00,000 X.java:1 - Starting',
    'WARN  [main] 2026-11-21 00:00:00,000 X.java:1 - An Error in a warning is none',
    'ERROR [main] 2026-11-21 00:00:01,000 X.java:2 - Exception encountered during startup',
    'org.apache.cassandra.exceptions.ConfigurationException: Invalid yaml',
    '\tat org.apache.cassandra.Main.run(Main.java:1)',
    'Caused by: java.net.BindException: Address already in use',
    'Caused by: java.net.BindException: Address already in use',
    '',
  ].join('\n');
  t.is(
    lastErrors(log),
    [
      'ERROR [main] 2026-11-21 00:00:01,000 X.java:2 - Exception encountered during startup',
      'org.apache.cassandra.exceptions.ConfigurationException: Invalid yaml',
      'Caused by: java.net.BindException: Address already in use',
    ].join('\n'),
  );
});

test('a log without errors gives its last lines, not more than asked for', (t) => {
  t.is(lastErrors('one\ntwo\n\nthree\n', 2), 'two\nthree');
  t.is(lastErrors(''), '');
});
