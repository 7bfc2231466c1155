import type { Agent } from 'node:https';
import type { TokenCredential } from '@azure/identity';

/** Gives tokens for requests. */
export type Tokens = TokenCredential;

export interface TokenOptions {
  /** By which tokens are asked for. */
  agent: Agent;
}

export interface ServicePrincipal {
  clientId: string;
  tenantId: string;
  clientSecret: string;
  /** Who gives the tokens, for clouds that are not Azure's public one. */
  authority: string | undefined;
}

/** A token that did not come for so long (ms) does not come: what the host may do is looked for on several ways. */
const LONGEST_MS = 20_000;

const ONCE = { retryOptions: { maxRetries: 0 } };

/** Tokens of a service principal. */
export async function principalTokens(principal: ServicePrincipal, { agent }: TokenOptions): Promise<Tokens> {
  const { ClientSecretCredential } = await import('@azure/identity');
  const { clientId, tenantId, clientSecret, authority } = principal;
  const options = {
    ...ONCE,
    agent,
    // Whether there is such an authority is asked at Azure's public one, which a private cloud does not reach.
    ...(authority === undefined ? {} : { authorityHost: authority, disableInstanceDiscovery: true }),
  };
  return bounded(new ClientSecretCredential(tenantId, clientId, clientSecret, options));
}

/** Tokens of what the host itself may do: workload identity, managed identity, and what somebody has logged in with there. */
export async function defaultTokens({ agent }: TokenOptions): Promise<Tokens> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  const options = { ...ONCE, agent };
  return bounded(new DefaultAzureCredential(options));
}

function bounded(credential: TokenCredential): Tokens {
  return {
    async getToken(scopes, options) {
      const signal = AbortSignal.timeout(LONGEST_MS);
      const late = new Promise<never>((_, reject) => {
        const tell = (): void => reject(new LateToken(`no token came within ${LONGEST_MS / 1000} s`));
        signal.addEventListener('abort', tell, { once: true });
      });
      return Promise.race([credential.getToken(scopes, { ...options, abortSignal: signal }), late]);
    },
  };
}

/** Nobody has given a token in time. */
export class LateToken extends Error {
  override readonly name = 'LateToken';
}
