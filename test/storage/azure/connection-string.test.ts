import test from 'ava';
import { parseConnectionString } from '../../../src/storage/azure/connection-string.ts';

test('a connection string says account, key and endpoint', (t) => {
  t.deepEqual(
    parseConnectionString(
      'DefaultEndpointsProtocol=https;AccountName=backups1;AccountKey=a2V5+/==;EndpointSuffix=core.chinacloudapi.cn',
    ),
    { account: 'backups1', key: 'a2V5+/==', sas: null, endpoint: 'https://backups1.blob.core.chinacloudapi.cn' },
  );
  const local = 'AccountName=local;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:10000/local/;';
  t.is(parseConnectionString(local)?.endpoint, 'http://127.0.0.1:10000/local');
});

test('a connection string says a SAS and its endpoint', (t) => {
  t.deepEqual(
    parseConnectionString(
      'BlobEndpoint=https://backups1.blob.core.windows.net/;QueueEndpoint=https://q/;SharedAccessSignature=sv=2024-11-04&sig=x%3D',
    ),
    { account: null, key: null, sas: 'sv=2024-11-04&sig=x%3D', endpoint: 'https://backups1.blob.core.windows.net' },
  );
});

test('a connection string that says not enough, or two things, is none', (t) => {
  for (const text of [
    '',
    'nonsense',
    'AccountName=a1b',
    'AccountKey=a2V5',
    'AccountKey=a2V5;BlobEndpoint=https://h',
    'SharedAccessSignature=sig=x',
    'AccountName=a1b;AccountKey=a2V5;SharedAccessSignature=sig=x',
    'AccountName=a1b;AccountKey=a2V5;BlobEndpoint=nonsense',
  ]) {
    t.is(parseConnectionString(text), null, text);
  }
});
