import test from 'ava';
import { credentialIn } from '../../src/model/credentials.ts';

test('the lines of a file of variables, and of one as AWS has it, are understood', (t) => {
  const variables = 'export ACCESS_KEY_ID="id = 1"\nSECRET_ACCESS_KEY=a/b+c==\n# SESSION_TOKEN=none\n';
  t.is(credentialIn(variables, 'ACCESS_KEY_ID'), 'id = 1');
  t.is(credentialIn(variables, 'SECRET_ACCESS_KEY'), 'a/b+c==');
  t.is(credentialIn(variables, 'SESSION_TOKEN'), undefined);
  const profile = '[default]\naws_access_key_id = id\naws_secret_access_key = secret\r\n';
  t.is(credentialIn(profile, 'ACCESS_KEY_ID'), 'id');
  t.is(credentialIn(profile, 'SECRET_ACCESS_KEY'), 'secret');
});

test('of a name that is the end of another one, its own line is read', (t) => {
  const text = 'STORAGE_ACCOUNT=other\nACCOUNT_KEY=key\nACCOUNT=mine\n';
  t.is(credentialIn(text, 'ACCOUNT'), 'mine');
  t.is(credentialIn(text, 'KEY'), undefined);
});
