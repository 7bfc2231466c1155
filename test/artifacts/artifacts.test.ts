import test from 'ava';
import { remoteFile, servedFiles, type Artifacts } from '../../src/artifacts/artifacts.ts';

const SHA256 = '0f'.repeat(32);

test('a checksum at the end of a URI is taken off it', (t) => {
  t.deepEqual(remoteFile(`http://files/a.tgz?x=1#sha256=${SHA256.toUpperCase()}`), {
    uri: 'http://files/a.tgz?x=1',
    sha256: SHA256,
  });
  t.deepEqual(remoteFile('/opt/a.tgz'), { uri: '/opt/a.tgz', sha256: null });
});

test('a fragment that is no checksum is refused rather than ignored', (t) => {
  for (const fragment of ['', 'sha256=', 'sha256=0f', `sha1=${SHA256}`, SHA256, `sha256=${SHA256}#`]) {
    const error = t.throws(() => remoteFile(`hdfs://a/b#${fragment}`), { code: 'BAD_REQUEST' }, fragment);
    t.true(error.message.includes(`hdfs://a/b#${fragment}`));
  }
});

test('the scheduler serves what is not fetched from elsewhere', (t) => {
  const served = { name: 'n', path: '/n', sha256: SHA256 };
  const remote = { uri: 'http://files/a', sha256: null };
  const artifacts: Artifacts = { executor: remote, node: served, cassandra: remote, java: null };
  t.deepEqual(servedFiles(artifacts), [served]);
});
