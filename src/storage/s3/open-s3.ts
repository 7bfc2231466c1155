import type { CredentialPlaces } from '../credentials.ts';
import { networkAgents } from '../network.ts';
import { openObjectStorage, type ObjectDeps } from '../objects/object-storage.ts';
import type { Storage } from '../storage.ts';
import { createS3Client } from './s3-client.ts';
import type { S3Location } from './s3-location.ts';
import { S3Store } from './s3-store.ts';

/** Opens a place in a bucket. Throws STORAGE_FAILED, STORAGE_UNAVAILABLE. */
export async function openS3Storage(
  location: S3Location,
  deps: ObjectDeps & { places: CredentialPlaces },
): Promise<Storage> {
  const { places, patient } = deps;
  const agents = await networkAgents(location.network, places.env);
  const connect = () => createS3Client(location, { places, patient, agents });
  return openObjectStorage(new S3Store(location, connect), deps);
}
