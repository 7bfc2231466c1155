import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { masterUrl, parseMasters } from '../../src/mesos/masters.ts';
import { readRecording } from './recorded.ts';

const urls = (text: string): string[] => {
  const masters = parseMasters(text);
  return 'urls' in masters ? masters.urls.map(({ href }) => href) : [];
};

test('masters are addresses or http URLs, one or several', (t) => {
  t.deepEqual(urls('mesos.example:5050'), ['http://mesos.example:5050/api/v1/scheduler']);
  t.deepEqual(urls('127.0.0.1:5050, https://mesos.example/,[::1]:5050'), [
    'http://127.0.0.1:5050/api/v1/scheduler',
    'https://mesos.example/api/v1/scheduler',
    'http://[::1]:5050/api/v1/scheduler',
  ]);
});

test('a zk URL names an ensemble, a path, and who reads it', (t) => {
  t.deepEqual(parseMasters(' zk://h1:2181,h2:80,[::1]:2183/mesos/prod/ '), {
    zooKeeper: {
      servers: [
        { host: 'h1', port: 2181 },
        { host: 'h2', port: 80 },
        { host: '::1', port: 2183 },
      ],
      path: '/mesos/prod',
    },
  });
  t.deepEqual(parseMasters('zk://me:p@ss:w,ord@h1/mesos'), {
    zooKeeper: {
      servers: [{ host: 'h1', port: 2181 }],
      path: '/mesos',
      credential: { user: 'me', password: 'p@ss:w,ord' },
    },
  });
});

for (const wrong of [
  '',
  'h1:5050,,h2:5050',
  '127.0.0.1:port',
  'ftp://h1/',
  'http://h1:5050,zk://h2:2181/mesos',
  'zk://h1:2181',
  'zk://h1:2181/',
  'zk:///mesos',
  'zk://h1:2181,/mesos',
  'zk://h1:99999/mesos',
  'zk://h1:2181//mesos',
]) {
  test(`"${wrong}" is refused with what was expected`, (t) => {
    const error = t.throws(() => parseMasters(wrong), { instanceOf: OperatorError });
    t.is(error.code, 'BAD_REQUEST');
    t.regex(error.message, /Expected .*host:port/);
    t.true(error.message.endsWith(`got ${JSON.stringify(wrong)}`));
  });
}

for (const wrong of [
  'zk://me:s3cret@h1:2181',
  'zk://me:s3cret@/mesos',
  'zk://s3cret@h1:2181/mesos',
  'zk://me:s3cret/s3cret@h1:2181/mesos',
  'zk://me:s3cret,s3cret@h1:port/mesos',
  'http://me:s3cret@h1:5050',
  'h2:5050,http://me:s3cret@h1:5050',
  'zk:/me:s3cret@h1:2181/mesos',
  'ZK://me:s3cret@h1:2181/mesos',
]) {
  test(`of ${wrong.replaceAll('s3cret', '…')} no password is shown`, (t) => {
    const error = t.throws(() => parseMasters(wrong), { instanceOf: OperatorError });
    t.false(JSON.stringify([error.message, error.hint, error.stack]).includes('s3cret'));
    t.regex(error.message, /\*\*\*@/);
  });
}

test('the znodes of a real Mesos say where its masters are', (t) => {
  const [line] = readRecording('10-leader-election.jsonl').filter(({ kind }) => kind === 'zookeeper');
  const info = line?.data?.['json.info_0000000001'] ?? '';
  t.is(masterUrl(info, false)?.href, 'http://127.0.0.1:5251/api/v1/scheduler');
});

function info(address: object): string {
  return JSON.stringify({ address, hostname: 'other', port: 1 });
}

test('a master is reached by its IP, and by its name where certificates are checked', (t) => {
  const both = info({ hostname: 'm1.example', ip: '10.0.0.1', port: 5050 });
  t.is(masterUrl(both, false)?.href, 'http://10.0.0.1:5050/api/v1/scheduler');
  t.is(masterUrl(both, true)?.href, 'https://m1.example:5050/api/v1/scheduler');
  t.is(masterUrl(info({ ip: '::1', port: 5050 }), true)?.href, 'https://[::1]:5050/api/v1/scheduler');
  for (const nothing of ['', 'null', '{}', '[]', info({ port: 5050 }), info({ ip: '10.0.0.1' })]) {
    t.is(masterUrl(nothing, false), null, nothing);
  }
});
