import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { storeForeign } from './foreign-tree.ts';
import { lzop } from './lzop.ts';
import type { Host } from './step-context.ts';

/** When cassandra_snapshotter began the snapshot: its name. */
export const TIME = '20150102030405';

export interface SnapshotterOptions {
  /** Folder of the node. */
  host?: string;
  /** What was flushed after the snapshot. */
  later?: boolean;
  dataDirectory?: string;
  ids?: string[];
  listed?: boolean;
}

/** Stores SSTables of a table, each by its Data.db, as cassandra_snapshotter does: compressed, without folders of indexes. Returns their folder. */
export function storeSnapshotter(host: Host, dataFiles: string[], options: SnapshotterOptions = {}): string {
  const { host: node = '127.0.0.1', dataDirectory = 'var/lib/cassandra/data', later = false, ...rest } = options;
  const [table = ''] = dataFiles.map((path) => path.split('/').at(-2) ?? '');
  const folder = join(table, later ? 'backups' : join('snapshots', TIME));
  const place = storeForeign(host, dataFiles, {
    ...rest,
    framework: TIME,
    executorId: node,
    name: dataDirectory,
    folder,
  });
  for (const name of readdirSync(place)) {
    writeFileSync(join(place, `${name}.lzo`), lzop(readFileSync(join(place, name))));
    rmSync(join(place, name));
  }
  return place;
}

/** The documents beside the hosts, of which the manifest comes last. `ring`: tokens by address. */
export function endSnapshotter(host: Host, ring: Record<string, string[]> = {}): void {
  const folder = join(host.root, 'backup', TIME);
  const lines = Object.entries(ring).flatMap(([address, tokens]) =>
    tokens.map((token) => `${address}  rack1       Up     Normal  108.13 KiB      66.67%              ${token}`),
  );
  writeFileSync(join(folder, 'ring'), ['Datacenter: datacenter1', '==========', ...lines].join('\n'));
  writeFileSync(
    join(folder, 'manifest.json'),
    JSON.stringify({ name: TIME, base_path: 'shop', hosts: readdirSync(folder), keyspaces: null, table: '' }),
  );
}

/** Moves the whole tree below a folder of the location: `--s3-base-path`. */
export function moveBelow(host: Host, base: string): void {
  const backup = join(host.root, 'backup');
  mkdirSync(join(backup, base), { recursive: true });
  renameSync(join(backup, TIME), join(backup, base, TIME));
}
