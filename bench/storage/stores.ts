import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { AZURITE, AZURITE_ACCOUNT, startAzurite } from '../../test/storage/azurite.ts';
import { FAKE_GCS, startFakeGcs } from '../../test/storage/fake-gcs.ts';
import { KEY, startVersitygw } from '../../test/storage/versitygw.ts';
import { medusa, rclone } from './peers.ts';
import type { Direction, Tool } from './tool.ts';

/** A store on loopback, and how a bare client speaks to it. */
export interface BenchStore {
  endpoint: string;
  /** As a location of ours. */
  location: string;
  /** Where four curls bring a file to, or get it from, and with what arguments. */
  curl: { url(direction: Direction, name: string): string; args(direction: Direction): string[] };
  /** Variables with the credentials of ours. */
  env: Record<string, string>;
  /** What else brings files there. */
  peers: Tool[];
  stop(): Promise<void>;
}

/** Null where its server is not installed. */
export const STORES: Record<string, (work: string) => Promise<BenchStore | null>> = {
  S3: async (work) => {
    const server = await startVersitygw(work);
    const peers = [rclone(), medusa()].filter((tool) => tool !== null);
    for (const bucket of ['curl', 'rclone', 'medusa']) mkdirSync(join(work, 'buckets', bucket));
    const place = new URLSearchParams({ endpoint: server.endpoint, region: 'us-east-1', createBucket: 'true' });
    const { id, secret } = KEY;
    const unsigned = ['--aws-sigv4', 'aws:amz:us-east-1:s3', '-u', `${id}:${secret}`];
    return {
      endpoint: server.endpoint,
      location: `s3://ours/prefix?${place.toString()}`,
      curl: {
        url: (_direction, name) => `${server.endpoint}/curl/${name}`,
        args: () => [...unsigned, '-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD'],
      },
      env: { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret },
      peers,
      stop: () => server.stop(),
    };
  },
  Azure: async (work) => {
    if (AZURITE === null) return null;
    const server = await startAzurite(join(work, 'containers'));
    const credential = new StorageSharedKeyCredential(AZURITE_ACCOUNT.name, AZURITE_ACCOUNT.key);
    await new BlobServiceClient(server.endpoint, credential).createContainer('curl');
    const expiresOn = new Date(Date.now() + 24 * 60 * 60 * 1000);
    const permissions = ContainerSASPermissions.parse('rcw');
    const sas = generateBlobSASQueryParameters({ containerName: 'curl', permissions, expiresOn }, credential);
    const place = new URLSearchParams({ endpoint: server.endpoint, credentials: 'env:BENCH_', createBucket: 'true' });
    return {
      endpoint: server.endpoint,
      location: `azure://ours/prefix?${place.toString()}`,
      curl: {
        url: (_direction, name) => `${server.endpoint}/curl/${name}?${sas.toString()}`,
        args: () => ['-H', 'x-ms-blob-type: BlockBlob'],
      },
      env: { BENCH_ACCOUNT_KEY: AZURITE_ACCOUNT.key },
      peers: [],
      stop: () => server.stop(),
    };
  },
  Google: async (work) => {
    if (FAKE_GCS === null) return null;
    const server = await startFakeGcs(work);
    mkdirSync(join(work, 'buckets', 'curl'), { recursive: true });
    const place = new URLSearchParams({ endpoint: server.endpoint, createBucket: 'true' });
    return {
      endpoint: server.endpoint,
      location: `gs://ours/prefix?${place.toString()}`,
      curl: {
        url: (direction, name) =>
          direction === 'up'
            ? `${server.endpoint}/upload/storage/v1/b/curl/o?uploadType=media&name=${name}`
            : `${server.endpoint}/storage/v1/b/curl/o/${name}?alt=media`,
        args: (direction) => (direction === 'up' ? ['-X', 'POST'] : []),
      },
      env: {},
      peers: [],
      stop: () => server.stop(),
    };
  },
};
