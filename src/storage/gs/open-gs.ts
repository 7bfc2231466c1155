import type { CredentialPlaces } from '../credentials.ts';
import { openObjectStorage, type ObjectDeps } from '../objects/object-storage.ts';
import type { Storage } from '../storage.ts';
import { GsClient } from './gs-client.ts';
import type { GsLocation } from './gs-location.ts';
import { GsStore } from './gs-store.ts';

/** Opens a place in a bucket of Google Cloud Storage. Throws STORAGE_FAILED, STORAGE_UNAVAILABLE. */
export function openGsStorage(location: GsLocation, deps: ObjectDeps & { places: CredentialPlaces }): Promise<Storage> {
  return openObjectStorage(
    new GsStore(location, new GsClient(location, deps.places, deps.patient), deps.uploads),
    deps,
  );
}
