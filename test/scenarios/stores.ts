import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { startFaultProxy, type FaultProxy } from '../helpers/fault-proxy.ts';
import { AZURITE_ACCOUNT, startAzurite } from '../storage/azurite.ts';
import { startFakeGcs } from '../storage/fake-gcs.ts';
import { FAULT_KINDS, type FaultKind } from '../storage/objects/fault-kinds.ts';
import { KEY, startVersitygw } from '../storage/versitygw.ts';

/** A real server of one kind of store, that a scenario starts, with a proxy before it. */
export interface RunningStore {
  /** By way of the proxy; the credentials lie in a file. */
  location: string;
  /** What of the credentials must be told nowhere. */
  secret: string | null;
  proxy: FaultProxy;
}

export interface StoreKind {
  name: string;
  /** Its requests and answers; and whether what it needs is there. */
  kind: FaultKind;
  /** Its data lie in `directory`. Ends with the test. */
  start(t: ExecutionContext, directory: string): Promise<RunningStore>;
}

export const STORES: StoreKind[] = [
  {
    name: 'S3',
    kind: kindOf('S3'),
    async start(t, directory) {
      const { url, proxy } = await proxied(t, await startVersitygw(directory));
      const { id, secret } = KEY;
      const credentials = keep(directory, `[default]\naws_access_key_id = ${id}\naws_secret_access_key = ${secret}\n`);
      const query = new URLSearchParams({ endpoint: url, region: 'us-east-1', credentials, createBucket: 'true' });
      return { location: `s3://backups/prod?${query.toString()}`, secret, proxy };
    },
  },
  {
    name: "Azure's storage",
    kind: kindOf('Azure'),
    async start(t, directory) {
      const { url, proxy } = await proxied(t, await startAzurite(join(directory, 'containers')));
      const { key: secret } = AZURITE_ACCOUNT;
      const credentials = keep(directory, `AZURE_STORAGE_KEY=${secret}\n`);
      const query = new URLSearchParams({ endpoint: url, credentials, createBucket: 'true' });
      return { location: `azure://backups/prod?${query.toString()}`, secret, proxy };
    },
  },
  {
    name: "Google's storage",
    kind: kindOf('GCS'),
    /** It asks for no credentials. */
    async start(t) {
      const { url, proxy } = await proxied(t, await startFakeGcs(null));
      const query = new URLSearchParams({ endpoint: url, createBucket: 'true' });
      return { location: `gs://backups/prod?${query.toString()}`, secret: null, proxy };
    },
  },
];

function kindOf(name: string): FaultKind {
  return FAULT_KINDS.find((kind) => kind.name === name)!;
}

/** The server's URL with the proxy in its place. */
async function proxied(t: ExecutionContext, server: { endpoint: string; stop(): Promise<void> }) {
  t.teardown(() => server.stop());
  const { origin } = new URL(server.endpoint);
  const proxy = await startFaultProxy(t, origin);
  return { url: server.endpoint.replace(origin, proxy.url), proxy };
}

/** As a reference of a location. */
function keep(directory: string, text: string): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, 'credentials');
  writeFileSync(path, text, { mode: 0o600 });
  return `file:${path}`;
}
