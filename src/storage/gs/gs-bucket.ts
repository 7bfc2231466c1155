import { OperatorError } from '../../errors.ts';
import type { GsClient } from './gs-client.ts';
import { hasStatus } from './gs-errors.ts';
import type { GsLocation } from './gs-location.ts';

/** Makes the bucket of a location, to which nobody outside of its project may ever be let in. False: somebody has been faster. */
export async function createBucket(
  client: GsClient,
  { bucket: name, project: named, region, endpoint }: GsLocation,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const project = named ?? (await client.project());
  if (project === null && endpoint === null) {
    throw new OperatorError(
      'STORAGE_FAILED',
      `Expected the project in which bucket ${name} is made, and none is known`,
      {
        hint: 'Add project=… to the location.',
      },
    );
  }
  const about = {
    name,
    ...(region === null ? {} : { location: region }),
    iamConfiguration: { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: 'enforced' },
  };
  try {
    await client.json({
      method: 'POST',
      path: '/storage/v1/b',
      query: project === null ? {} : { project },
      headers: { 'content-type': 'application/json' },
      body: [Buffer.from(JSON.stringify(about))],
      signal,
    });
    return true;
  } catch (error) {
    if (hasStatus(error, 409)) return false;
    throw error;
  }
}
