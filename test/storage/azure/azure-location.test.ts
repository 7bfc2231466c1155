import test from 'ava';
import { parseAzureLocation } from '../../../src/storage/azure/azure-location.ts';

test('a location in Azure is read, and has one spelling', (t) => {
  t.like(parseAzureLocation('AZURE://my-backups'), {
    url: 'azure://my-backups/',
    container: 'my-backups',
    prefix: '',
    account: null,
    endpoint: null,
    credentials: null,
    createBucket: false,
    network: { caFile: null, proxy: null, insecure: false },
  });
  const text =
    'azure://backups/a/b/?endpoint=HTTP://127.0.0.1:10000/account1/&account=account1&credentials=secret:azure/prod&createBucket=true';
  t.like(parseAzureLocation(text), {
    url: 'azure://backups/a/b?account=account1&createBucket=true&credentials=secret%3Aazure%2Fprod&endpoint=http%3A%2F%2F127.0.0.1%3A10000%2Faccount1',
    container: 'backups',
    prefix: 'a/b/',
    account: 'account1',
    endpoint: 'http://127.0.0.1:10000/account1',
    credentials: 'secret:azure/prod',
    createBucket: true,
    network: { caFile: null, proxy: null, insecure: false },
  });
  const { url } = parseAzureLocation(text);
  t.is(parseAzureLocation(url).url, url);
});

for (const [what, text, expected] of [
  ['a container with upper case', 'azure://Backups/a', /a container of 3 to 63/],
  ['a container with two hyphens in a row', 'azure://back--ups/a', /a container of 3 to 63/],
  ['no container', 'azure:///a', /a container of 3 to 63/],
  ['a prefix that leaves its folder', 'azure://backups/a/../b', /\.\./],
  ['an account that cannot be one', 'azure://backups?account=My-Account', /account: a storage account of 3 to 24/],
  ['an account key', 'azure://backups?AccountKey=hidden', /no AccountKey/],
  ['a SAS', 'azure://backups?sv=2024-11-04&sig=hidden', /no sv, sig/],
  ['a key that became a name', 'azure://backups?aGlkZGVu%2BaGlkZGVu==', /only the options account, .*and no others/],
  ['an endpoint with a SAS', 'azure://backups?endpoint=https://h/%3Fsig=hidden', /endpoint: a URL such as/],
  ['an endpoint with a password', 'azure://backups?endpoint=http://me:hidden@h', /endpoint: a URL such as/],
  ['a password before the container', 'azure://me:hidden@backups/a', /a container of 3 to 63/],
  ['credentials in the location', 'azure://backups?credentials=AccountKey%3Dhidden', /credentials: .*file:\/path/],
  ['a flag that is none', 'azure://backups?createBucket=yes', /createBucket: true or false/],
] as const) {
  test(`${what} is refused with what was expected, and without what may be secret`, (t) => {
    const error = t.throws(() => parseAzureLocation(text), { code: 'BAD_REQUEST' });
    t.regex(error?.message ?? '', expected);
    t.notRegex(error?.message ?? '', /hidden|aGlkZGVu/);
  });
}
