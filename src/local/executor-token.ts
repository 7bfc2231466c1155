// The token by which an executor proves to its agent who it is: a JSON web token, as Mesos 1.12 makes it.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ExecutorRecord } from './agent-state.ts';

interface Claims {
  /** Of the container. */
  cid: string;
  /** Of the executor. */
  eid: string;
  /** Of the framework. */
  fid: string;
}

const HEADER = encode({ alg: 'HS256', typ: 'JWT' });

export function executorToken(key: string, { containerId, info, frameworkId }: ExecutorRecord): string {
  const claims: Claims = { cid: containerId, eid: info.executorId.value, fid: frameworkId };
  const signed = `${HEADER}.${encode(claims)}`;
  return `${signed}.${signature(key, signed)}`;
}

/** What an `Authorization` header proves; `undefined` when that is nothing. */
export function provenClaims(key: string, authorization: string | undefined): Claims | undefined {
  const [, token = ''] = /^Bearer (.+)$/.exec(authorization ?? '') ?? [];
  const [header = '', payload = '', given = ''] = token.split('.');
  const expected = signature(key, `${header}.${payload}`);
  if (given.length !== expected.length || !timingSafeEqual(Buffer.from(given), Buffer.from(expected))) return undefined;
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
}

function signature(key: string, signed: string): string {
  return createHmac('sha256', key).update(signed).digest('base64url');
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
