import test from 'ava';
import { logbackXml } from '../../src/cassandra/logback.ts';

test('the log is rolled and kept small, in a directory of whatever name', (t) => {
  const xml = logbackXml('/a & <b>');
  t.true(xml.includes('<file>/a &amp; &lt;b&gt;/system.log</file>'));
  t.regex(xml, /<maxFileSize>20MB<\/maxFileSize>/);
  t.regex(xml, /<maxIndex>5<\/maxIndex>/);
});
