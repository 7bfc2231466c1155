import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { startTlsFront } from '../../helpers/tls-front.ts';

export const PRINCIPAL = {
  CLIENT_ID: '11111111-1111-4111-8111-111111111111',
  TENANT_ID: '22222222-2222-4222-8222-222222222222',
  CLIENT_SECRET: 'the secret of a test',
};

/** Gives tokens to a service principal over TLS, as Microsoft Entra does. */
export interface TokenAuthority {
  url: string;
  /** PEM files: of the certificate, which has signed itself, and of its key. */
  certificateFile: string;
  keyFile: string;
  /** Tokens that were given. */
  given: number;
  /** The next ones hold for so long (s), whatever is said of them, and all others for an hour. */
  lifetimes: number[];
}

export async function startTokenAuthority(t: Pick<ExecutionContext, 'teardown'>): Promise<TokenAuthority> {
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
  const front = await startTlsFront(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const keyFile = front.certificateFile.replace('certificate.pem', 'key.pem');
  const authority = {
    url: front.url,
    certificateFile: front.certificateFile,
    keyFile,
    given: 0,
    lifetimes: [] as number[],
  };
  return authority;

  async function answer(request: IncomingMessage): Promise<{ status: number; body: object }> {
    const tenant = `${authority.url}/${PRINCIPAL.TENANT_ID}`;
    if (request.url?.includes('openid-configuration')) {
      return {
        status: 200,
        body: {
          issuer: `${tenant}/v2.0`,
          token_endpoint: `${tenant}/oauth2/v2.0/token`,
          authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
          jwks_uri: `${tenant}/keys`,
        },
      };
    }
    const form = new URLSearchParams(await text(request));
    if (form.get('client_secret') !== PRINCIPAL.CLIENT_SECRET || form.get('client_id') !== PRINCIPAL.CLIENT_ID) {
      const description = 'AADSTS7000215: Invalid client secret provided.';
      return { status: 401, body: { error: 'invalid_client', error_description: description } };
    }
    authority.given += 1;
    const now = Math.floor(Date.now() / 1000);
    const access_token = tokenOf({
      aud: 'https://storage.azure.com',
      iss: `https://sts.windows.net/${PRINCIPAL.TENANT_ID}/`,
      iat: now - 7200,
      nbf: now - 7200,
      exp: now + (authority.lifetimes.shift() ?? 3600),
    });
    return { status: 200, body: { token_type: 'Bearer', expires_in: 3600, access_token } };
  }
}

/** Nobody here checks its signature. */
function tokenOf(claims: object): string {
  const parts = [{ alg: 'none', typ: 'JWT' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return `${parts.join('.')}.c2lnbmF0dXJl`;
}
