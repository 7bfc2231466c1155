import { createHash, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { Middleware } from 'koa';
import { OperatorError } from '../errors.ts';
import type { Access } from './deps.ts';

/**
 * Decides at start whether the API may listen on `host` like this. Throws BAD_REQUEST when mutating calls
 * would be open to the network without anybody having said so.
 */
export function accessPolicy(wanted: { host: string; token: string | null; insecure: boolean }): Access {
  const boundToLoopback = isLoopback(wanted.host);
  const token = wanted.token?.trim() ?? null;
  if (token === '') {
    throw new OperatorError('BAD_REQUEST', 'Expected an API token of at least one character, got an empty one', {
      hint: 'Write the token into the file or variable that it is read from, or take the setting away.',
    });
  }
  if (!boundToLoopback && token === null && !wanted.insecure) {
    throw new OperatorError(
      'BAD_REQUEST',
      `Expected an API token for listening on ${JSON.stringify(wanted.host)}, which others can reach, got none`,
      { hint: 'Set a token, listen on 127.0.0.1, or say --insecure if whoever reaches the port may do everything.' },
    );
  }
  return { token, insecure: wanted.insecure, boundToLoopback };
}

/** True for names and addresses that only this machine reaches. A URL's `[::1]` counts as well. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === 'localhost' || name === '::1' || name === '[::1]' || (isIPv4(name) && name.startsWith('127.'));
}

/** The headers of one request that access depends on. */
export interface AccessRequest {
  method: string;
  host: string | undefined;
  origin: string | undefined;
  fetchSite: string | undefined;
  authorization: string | undefined;
}

/** Refuses requests that may not be made: see `checkAccess`. */
export function guard(access: Access): Middleware {
  return (ctx, next) => {
    const { host, origin, authorization } = ctx.headers;
    const fetchSite = ctx.get('sec-fetch-site') || undefined;
    checkAccess({ method: ctx.method, host, origin, fetchSite, authorization }, access);
    return next();
  };
}

/**
 * Throws FORBIDDEN or UNAUTHORIZED. A browser on the operator's machine reaches loopback as well, on behalf of
 * any web page: a page's own name in `Host` (DNS rebinding) or a foreign `Origin` (forged call) is refused.
 */
export function checkAccess(request: AccessRequest, access: Access): void {
  const host = parseHost(request.host);
  if (access.boundToLoopback && !(host && isLoopback(host.hostname))) {
    throw new OperatorError('FORBIDDEN', `Expected a loopback name in the Host header, got ${quote(request.host)}`, {
      hint: 'Call the API as http://127.0.0.1 or http://localhost; through a proxy, let it set Host to that.',
    });
  }
  if (['GET', 'HEAD', 'OPTIONS'].includes(request.method)) return;
  checkOrigin(request, host);
  if (access.boundToLoopback || access.insecure) return;
  const given = /^Bearer +(\S+) *$/i.exec(request.authorization ?? '')?.[1];
  if (given !== undefined && access.token !== null && sameSecret(given, access.token)) return;
  throw new OperatorError(
    'UNAUTHORIZED',
    `Expected the API token as bearer token, got ${request.authorization === undefined ? 'none' : 'another one'}`,
    { hint: 'Send the header `Authorization: Bearer <token>`.' },
  );
}

function checkOrigin(request: AccessRequest, host: URL | null): void {
  const { origin, fetchSite } = request;
  if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none') {
    throw foreignPage(`Sec-Fetch-Site: ${fetchSite}`);
  }
  if (origin === undefined) return;
  const originHost = URL.canParse(origin) ? new URL(origin).host : null;
  if (originHost === null || originHost !== host?.host) throw foreignPage(`Origin: ${origin}`);
}

function foreignPage(header: string): OperatorError {
  return new OperatorError(
    'FORBIDDEN',
    `Expected a call from the API's own pages or from outside a browser, got ${quote(header)}`,
  );
}

function parseHost(host: string | undefined): URL | null {
  return host !== undefined && URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : null;
}

/** Takes the same time whatever differs, and for any length. */
function sameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function quote(text: string | undefined): string {
  return text === undefined ? 'none' : JSON.stringify(text.slice(0, 100));
}
