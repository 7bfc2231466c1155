import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AZURITE, AZURITE_ACCOUNT, startAzurite } from '../storage/azurite.ts';
import { FAKE_GCS, startFakeGcs } from '../storage/fake-gcs.ts';
import { KEY, startVersitygw, VERSITYGW } from '../storage/versitygw.ts';

/** A real server of one kind of store, that a scenario starts. */
export interface StoreKind {
  name: string;
  /** What it needs is there. */
  installed: boolean;
  /** Its data lie in `directory`. Gives a location whose credentials lie in a file there, and what of them must be told nowhere. */
  start(directory: string): Promise<{ location: string; secret: string | null; stop(): Promise<void> }>;
}

export const STORES: StoreKind[] = [
  {
    name: 'S3',
    installed: VERSITYGW !== null,
    async start(directory) {
      const server = await startVersitygw(directory);
      const { id, secret } = KEY;
      const credentials = keep(directory, `[default]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`);
      const { endpoint } = server;
      const query = new URLSearchParams({ endpoint, region: 'us-east-1', credentials, createBucket: 'true' });
      return { location: `s3://backups/prod?${query.toString()}`, secret, stop: () => server.stop() };
    },
  },
  {
    name: "Azure's storage",
    installed: AZURITE !== null,
    async start(directory) {
      const server = await startAzurite(join(directory, 'containers'));
      const { key: secret } = AZURITE_ACCOUNT;
      const credentials = keep(directory, `AZURE_STORAGE_KEY=${secret}\n`);
      const query = new URLSearchParams({ endpoint: server.endpoint, credentials, createBucket: 'true' });
      return { location: `azure://backups/prod?${query.toString()}`, secret, stop: () => server.stop() };
    },
  },
  {
    name: "Google's storage",
    installed: FAKE_GCS !== null,
    /** It asks for no credentials. */
    async start() {
      const server = await startFakeGcs(null);
      const query = new URLSearchParams({ endpoint: server.endpoint, createBucket: 'true' });
      return { location: `gs://backups/prod?${query.toString()}`, secret: null, stop: () => server.stop() };
    },
  },
];

/** As a reference of a location. */
function keep(directory: string, text: string): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, 'credentials');
  writeFileSync(path, text, { mode: 0o600 });
  return `file:${path}`;
}
