import test from 'ava';
import { startApi } from './helpers.ts';

test('Wrong parameters are refused by name, with what was expected and what came', async (t) => {
  const api = await startApi(t);
  for (const [query, message] of [
    ['nmae=a', /nmae: expected one of name, .*, got an unknown one/],
    ['strategy=fast', /strategy: expected serial or parallel, got "fast"/],
    ['strategy=', /strategy: expected serial or parallel, got ""/],
    ['strategy=parallel&concurrency=0', /concurrency: expected a whole number from 1, got "0"/],
    ['strategy=parallel&concurrency=1e3', /concurrency: expected a whole number from 1, got "1e3"/],
    ['concurrency=2', /concurrency 1 with strategy=serial, got 2/],
    ['snapshot=never', /snapshot: expected each or together, got "never"/],
    ['keyspaces=', /keyspaces: expected a comma list or an array of keyspaces, none twice, got ""/],
    ['keyspaces=ks1,,ks2', /keyspaces: expected/],
    ['keyspaces=ks1,ks1', /keyspaces: expected/],
    ['keyspaces=../x', /keyspaces: expected/],
    ['tables=users', /tables: expected a comma list or an array of tables, each as keyspace.table, none twice/],
    ['location=', /location: expected a location such as file:\/\/\/backup .*, got ""/],
    ['location=../x', /location: expected/],
    ['location=file:///backup/../etc', /location: expected/],
    ['mode=differential', /mode: expected incremental or full, got "differential"/],
    ['rehash=yes', /rehash: expected true or false, got "yes"/],
    ['bandwidth=1', /bandwidth: expected bytes per second such as 50MB\/s, .* at least 1kB\/s, got "1"/],
    ['clusterBandwidth=50Mb/s', /clusterBandwidth: expected bytes per second such as .*, got "50Mb\/s"/],
    ['bandwidth=none', /bandwidth: expected bytes per second/],
    ['name=a&name=b', /name: expected it once, got it twice/],
    ['foo=1&strategy=fast', /foo: .*; strategy: /],
    ['__proto__=1', /__proto__: expected one of/],
  ] as const) {
    const { status, body } = await api.call('POST', `/cluster/backup/start?${query}`);
    t.is(status, 400, query);
    t.like(body, { started: false, error: { code: 'BAD_REQUEST' } });
    t.regex(body.error.message, message);
  }
  t.is(api.jobs.list().length, 0);
});

test('A location whose own options were taken for parameters is told how it is written', async (t) => {
  const api = await startApi(t);
  const start = async (query: string) => (await api.call('POST', `/cluster/backup/start?${query}`)).body.error;
  for (const option of ['region=eu-west-1', 'credentials=file:/keys']) {
    const { message, hint } = await start(`location=s3://b/p?endpoint=http://127.0.0.1:9000&${option}`);
    t.regex(message, new RegExp(`${option.split('=', 1)[0]}: expected`));
    t.regex(hint, /%26|JSON body/);
  }
  t.is((await start('nmae=a')).hint, undefined);
});

test('Wrong values in a body are refused as well', async (t) => {
  const api = await startApi(t);
  for (const json of [
    { name: 5 },
    { name: null },
    { name: ['a'] },
    { keyspaces: [] },
    { keyspaces: [1] },
    { keyspaces: { ks1: true } },
    { concurrency: 1.5 },
    { strategy: true },
    { nmae: 'a' },
  ]) {
    const { status, body } = await api.call('POST', '/cluster/backup/start', { json });
    t.is(status, 400, JSON.stringify(json));
    t.true(body.error.message.includes(Object.keys(json)[0] ?? ''), body.error.message);
  }
  t.is(api.jobs.list().length, 0);
});

test('A parameter in both query and body is refused instead of one of them winning', async (t) => {
  const api = await startApi(t);
  const { status, body } = await api.call('POST', '/cluster/backup/start?name=a', { json: { name: 'a' } });
  t.is(status, 400);
  t.regex(body.error.message, /name: expected it once, got it twice/);
});

test('What only a backup takes is refused for a restore, with the reason', async (t) => {
  const api = await startApi(t);
  const { status, body } = await api.call('POST', '/cluster/restore/start?name=a&snapshot=each&nodes=slave0&mode=full');
  t.is(status, 400);
  t.regex(
    body.error.message,
    /snapshot: a restore takes no snapshot of its own.*nodes: a restore always covers all nodes.*mode: a restore always brings/,
  );
});

test('A password or key in a location is refused, and not repeated', async (t) => {
  const api = await startApi(t);
  for (const location of [
    's3://key:geheim@bucket/x',
    's3://bucket?secretKey=geheim',
    's3://bucket?credentials=geheim',
  ]) {
    const query = new URLSearchParams({ location }).toString();
    const answer = await api.call('POST', `/cluster/backup/start?${query}`);
    t.is(answer.status, 400);
    t.regex(answer.body.error.message, /location: expected/);
    t.notRegex(answer.text, /geheim/);
  }
});
