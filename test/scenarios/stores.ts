import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
      const credentials = keep(
        directory,
        `[default]\naws_access_key_id = ${KEY.id}\naws_secret_access_key = ${KEY.secret}\n`,
      );
      const { endpoint, stop } = server;
      const query = new URLSearchParams({ endpoint, region: 'us-east-1', credentials, createBucket: 'true' });
      return { location: `s3://backups/prod?${query.toString()}`, secret: KEY.secret, stop };
    },
  },
  {
    name: "Google's storage",
    installed: FAKE_GCS !== null,
    /** It asks for no credentials. */
    async start() {
      const { endpoint, stop } = await startFakeGcs(null);
      const query = new URLSearchParams({ endpoint, createBucket: 'true' });
      return { location: `gs://backups/prod?${query.toString()}`, secret: null, stop };
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
