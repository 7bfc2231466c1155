import test from 'ava';
import { isSystemKeyspace } from '../../src/cassandra/read-schema.ts';
import { sortTokens } from '../../src/cassandra/storage-service.ts';

test('tokens are sorted as the 64-bit numbers that they are', (t) => {
  const tokens = ['9223372036854775807', '-9223372036854775808', '10', '9', '9223372036854775806', '-1'];
  t.deepEqual(sortTokens(tokens), [
    '-9223372036854775808',
    '-1',
    '9',
    '10',
    '9223372036854775806',
    '9223372036854775807',
  ]);
});

test("a user's keyspace is not Cassandra's because its name begins alike", (t) => {
  t.deepEqual(['system', 'system_auth', 'systems', 'System', 'my_system'].map(isSystemKeyspace), [
    true,
    true,
    false,
    false,
    false,
  ]);
});
