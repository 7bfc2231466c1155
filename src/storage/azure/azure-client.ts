import { ContainerClient, newPipeline } from '@azure/storage-blob';
import type { CredentialPlaces } from '../credentials.ts';
import type { NetworkAgents } from '../network.ts';
import { findAzureAccess } from './azure-credentials.ts';
import { isUnauthenticated } from './azure-errors.ts';
import { azureHttp } from './azure-http.ts';
import type { AzureLocation } from './azure-location.ts';

const CONNECT_MS = 10_000;
const HASTY_CONNECT_MS = 2_000;

export interface AzureClientDeps {
  places: CredentialPlaces;
  agents: NetworkAgents;
  /** It waits for a store that is far away. */
  patient: boolean;
}

/** Requests to one container, with credentials that are looked up anew when they are not taken any more. */
export class AzureClient {
  readonly #connect: () => Promise<ContainerClient>;
  #container: Promise<ContainerClient> | null = null;

  constructor(location: AzureLocation, deps: AzureClientDeps) {
    this.#connect = () => connect(location, deps);
  }

  /** Does something once; and once more where it is refused for credentials that have expired or were exchanged. */
  async send<T>(act: (container: ContainerClient) => Promise<T>): Promise<T> {
    const container = this.#current();
    try {
      return await act(await container);
    } catch (error) {
      if (!isUnauthenticated(error)) throw error;
      // Of those who find that out at once one looks up the credentials.
      if (this.#container === container) this.#container = null;
      return await act(await this.#current());
    }
  }

  #current(): Promise<ContainerClient> {
    if (this.#container !== null) return this.#container;
    const container = this.#connect();
    this.#container = container;
    container.catch(() => {
      if (this.#container === container) this.#container = null;
    });
    return container;
  }
}

async function connect(
  location: AzureLocation,
  { places, agents, patient }: AzureClientDeps,
): Promise<ContainerClient> {
  const { endpoint, credential, sas } = await findAzureAccess(location, places, { agent: agents.verified });
  const pipeline = newPipeline(credential, {
    httpClient: azureHttp(agents.client, patient ? CONNECT_MS : HASTY_CONNECT_MS),
    // Who asks tries again, see objects/retry.ts.
    retryOptions: { maxTries: 1 },
  });
  return new ContainerClient(`${endpoint}/${location.container}${sas === null ? '' : `?${sas}`}`, pipeline);
}
