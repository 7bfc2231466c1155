import type { CredentialPlaces } from '../credentials.ts';
import { networkAgents } from '../network.ts';
import { openObjectStorage, type ObjectDeps } from '../objects/object-storage.ts';
import type { Storage } from '../storage.ts';
import { AzureClient } from './azure-client.ts';
import type { AzureLocation } from './azure-location.ts';
import { AzureStore } from './azure-store.ts';

/** Opens a place in a container of Azure Blob Storage. Throws STORAGE_FAILED, STORAGE_UNAVAILABLE. */
export async function openAzureStorage(
  location: AzureLocation,
  deps: ObjectDeps & { places: CredentialPlaces },
): Promise<Storage> {
  const { places, patient, clock } = deps;
  const agents = await networkAgents(location.network, places.env);
  const client = new AzureClient(location, { places, agents, patient });
  return openObjectStorage(new AzureStore(location, client, clock), deps);
}
