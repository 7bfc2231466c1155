import test from 'ava';
import type { ExecutorRecord } from '../../src/local/agent-state.ts';
import { executorToken, provenClaims } from '../../src/local/executor-token.ts';

const record: ExecutorRecord = {
  containerId: 'd2355125-b0d6-49d7-90cd-3c19509c94cc',
  frameworkId: '1527b32c-b0b4-4d91-b3bf-f8666aa6019d-0000',
  info: { executorId: { value: 'node.0.executor' } },
  sandbox: '/sandbox',
};

test('a token is what Mesos makes of container, executor and framework', (t) => {
  const parts = executorToken('key', record).split('.').slice(0, 2);
  t.deepEqual(
    parts.map((part) => Buffer.from(part, 'base64url').toString()),
    [
      '{"alg":"HS256","typ":"JWT"}',
      `{"cid":"${record.containerId}","eid":"node.0.executor","fid":"${record.frameworkId}"}`,
    ],
  );
});

test('a token proves what it says to who has the key, and changed or made with another one nothing', (t) => {
  const token = executorToken('key', record);
  t.is(provenClaims('key', `Bearer ${token}`)?.eid, 'node.0.executor');
  t.is(provenClaims('other', `Bearer ${token}`), undefined);
  const [header, , signature] = token.split('.');
  const forged = Buffer.from(JSON.stringify({ cid: 'c', eid: 'other', fid: 'f' })).toString('base64url');
  t.is(provenClaims('key', `Bearer ${header}.${forged}.${signature}`), undefined);
  for (const nothing of [undefined, '', 'Bearer ', 'Basic YWxpY2U6c2VjcmV0'])
    t.is(provenClaims('key', nothing), undefined);
});
