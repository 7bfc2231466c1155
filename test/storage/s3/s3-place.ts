import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import type { ExecutionContext } from 'ava';
import { networkAgents } from '../../../src/storage/network.ts';
import { createS3Client } from '../../../src/storage/s3/s3-client.ts';
import { parseS3Location } from '../../../src/storage/s3/s3-location.ts';
import { faultTest, type FaultPlace } from '../objects/fault-place.ts';

export const MIB = 1024 ** 2;
/** Of three parts. */
export const LARGE = 17 * MIB;
export const FILE = 'c/n/b/file';

/** As faultTest, for S3 alone. */
export function s3Test(title: string, body: (t: ExecutionContext, place: FaultPlace) => Promise<void>): void {
  faultTest(title, body, ({ name }) => name === 'S3');
}

export async function makeSource({ work }: FaultPlace, size = LARGE): Promise<{ path: string; content: Buffer }> {
  const source = { path: join(work, 'source'), content: randomBytes(size) };
  await writeFile(source.path, source.content);
  return source;
}

/** The SDK's own client of the place, by way of the proxy. */
export async function rawClient(
  t: ExecutionContext,
  { url, kind, work }: FaultPlace,
): Promise<{ client: S3Client; Bucket: string; prefix: string }> {
  const location = parseS3Location(url);
  const agents = await networkAgents(location.network, {});
  const client = createS3Client(location, { places: { env: kind.env, sandbox: work }, patient: true, agents });
  t.teardown(() => client.destroy());
  return { client, Bucket: location.bucket, prefix: location.prefix };
}
