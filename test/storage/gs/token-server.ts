import { createVerify, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';

export const EMAIL = 'backup@project-1.iam.gserviceaccount.com';

/** Gives tokens for what a service account has signed, as Google's token endpoint does. */
export interface TokenServer {
  url: string;
  /** All tokens that were given, in their order. */
  given: string[];
  /** A new key of the account, and the text of its file; the old one counts no longer. */
  newKey(): string;
  /** True: there is no such account any more. */
  isGone: boolean;
}

/** `lifetime` of tokens in seconds. */
export async function startTokenServer(t: ExecutionContext, lifetime = 3600): Promise<TokenServer> {
  const given: string[] = [];
  let publicKey = '';
  const answer = async (request: IncomingMessage): Promise<{ status: number; body: object }> => {
    if (told.isGone) return { status: 404, body: { error: 'not_found' } };
    const form = new URLSearchParams(await text(request));
    const problem = problemOf(form, publicKey, url);
    if (problem !== null) return { status: 400, body: { error: 'invalid_grant', error_description: problem } };
    given.push(`token-${given.length}`);
    return { status: 200, body: { access_token: given.at(-1), expires_in: lifetime, token_type: 'Bearer' } };
  };
  const server = createServer((request, response) => {
    answer(request).then(
      ({ status, body }) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      (error: unknown) => response.destroy(error as Error),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  const newKey = (): string => {
    const pair = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    ({ publicKey } = pair);
    return JSON.stringify({
      type: 'service_account',
      project_id: 'project-1',
      private_key_id: '1234',
      private_key: pair.privateKey,
      client_email: EMAIL,
      token_uri: url,
    });
  };
  const told = { url, given, newKey, isGone: false };
  return told;
}

/** RFC 7523: what is wrong with the request; null for nothing. */
function problemOf(form: URLSearchParams, publicKey: string, audience: string): string | null {
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return 'Invalid grant_type.';
  const [head = '', claims = '', signature = ''] = form.get('assertion')?.split('.') ?? [];
  const isSigned = createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(publicKey, signature, 'base64url');
  if (!isSigned) return 'Invalid JWT Signature.';
  const { iss, aud, scope, iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Claims;
  const now = Date.now() / 1000;
  if (iat > now + 60 || exp < now || exp > iat + 3600) return 'Invalid JWT: iat and exp.';
  return iss === EMAIL && aud === audience && /devstorage\.read_write/.test(scope) ? null : 'Invalid JWT claims.';
}

interface Claims {
  iss: string;
  aud: string;
  scope: string;
  iat: number;
  exp: number;
}
