import { isBackupName } from '../model/backup-name.ts';
import type { NodeManifest } from '../model/backup.ts';
import { manifestKey, nodeFolders } from './layout.ts';
import type { Storage } from './storage.ts';

/** Bytes at the beginning of a manifest in which it says what it refers to, see withReferences. */
const HEAD = 4096;

/** Manifests that are read at the same time. */
const AT_ONCE = 8;

interface Manifest {
  executorId: string;
  key: string;
  backup: string;
}

/**
 * Which manifests of a cluster name bytes in folders of other backups. Of a manifest that says by itself in which backups these lie only the
 * beginning is read; of others all, once. To be used while nobody else writes at the location.
 */
export class References {
  readonly #storage: Pick<Storage, 'folders' | 'getDocument' | 'getHead'>;
  readonly #cluster: string;
  /** Names of the backups that a manifest refers to, by its key. */
  readonly #known = new Map<string, ReadonlySet<string>>();

  constructor(storage: Pick<Storage, 'folders' | 'getDocument' | 'getHead'>, cluster: string) {
    this.#storage = storage;
    this.#cluster = cluster;
  }

  /** Keys in folders of a backup that manifests of other backups name as where their bytes lie. */
  async into(backup: string, signal: AbortSignal): Promise<Set<string>> {
    const needed = new Set<string>();
    const others = (await this.#manifests()).filter((manifest) => manifest.backup !== backup).values();
    const lane = async (): Promise<void> => {
      for (const { key } of others) {
        signal.throwIfAborted();
        if (!(await this.#backupsOf(key)).has(backup)) continue;
        for (const source of sourcesIn(await this.#text(key), this.#cluster)) {
          if (backupOf(source) === backup) needed.add(source);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    return needed;
  }

  /** Manifests of any executor that name bytes in folders of other backups, of which these are. */
  async naming(backups: ReadonlySet<string>): Promise<{ executorId: string; backup: string }[]> {
    const found: { executorId: string; backup: string }[] = [];
    const all = (await this.#manifests()).values();
    const lane = async (): Promise<void> => {
      for (const { key, executorId, backup } of all) {
        const named = await this.#backupsOf(key);
        if ([...named].some((name) => backups.has(name))) found.push({ executorId, backup });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    return found;
  }

  async #manifests(): Promise<Manifest[]> {
    const found: Manifest[] = [];
    for (const executorId of nodeFolders(await this.#storage.folders(`${this.#cluster}/`))) {
      for (const backup of await this.#storage.folders(`${this.#cluster}/${executorId}/`)) {
        if (isBackupName(backup)) {
          found.push({ executorId, key: manifestKey(this.#cluster, executorId, backup), backup });
        }
      }
    }
    return found;
  }

  async #backupsOf(key: string): Promise<ReadonlySet<string>> {
    const known =
      this.#known.get(key) ??
      declared(await this.#storage.getHead(key, HEAD)) ??
      found(await this.#text(key), this.#cluster);
    this.#known.set(key, known);
    return known;
  }

  async #text(key: string): Promise<string> {
    return (await this.#storage.getDocument(key)) ?? '';
  }
}

/** What a manifest says of itself at its beginning. */
interface Declared {
  /** Size of the whole manifest: one that was changed by another hand has another, and is read whole. */
  bytes: number;
  /** Backups in whose folders bytes of this one lie. */
  backups: string[];
}

/** The text of a manifest with what it refers to at its beginning. */
export function withReferences(
  stringify: (references: Declared) => string,
  { cluster, files }: Pick<NodeManifest, 'cluster' | 'files'>,
): string {
  const sources = files.flatMap(({ source }) => source ?? []).filter((source) => source.startsWith(`${cluster}/`));
  const backups = [...new Set(sources.map(backupOf))].toSorted();
  const withoutNumber = Buffer.byteLength(stringify({ bytes: 0, backups })) - 1;
  let bytes = withoutNumber;
  while (withoutNumber + String(bytes).length !== bytes) bytes = withoutNumber + String(bytes).length;
  return stringify({ bytes, backups });
}

/** Null where a manifest does not say, or not in a way that can be trusted. */
function declared(head: { text: string; size: number } | null): Set<string> | null {
  const text = /^ "references": (\{[^}]*\}),$/m.exec(head?.text ?? '')?.[1];
  if (head === null || text === undefined) return null;
  try {
    const { bytes, backups } = JSON.parse(text) as Partial<Declared>;
    return bytes === head.size && Array.isArray(backups) && backups.every(isBackupName) ? new Set(backups) : null;
  } catch {
    // Read as one that does not say.
    return null;
  }
}

function found(text: string, cluster: string): Set<string> {
  return new Set(sourcesIn(text, cluster).map(backupOf));
}

/** Looked for in the text: also a manifest that cannot be read whole keeps what it names. */
function sourcesIn(text: string, cluster: string): string[] {
  const sources = [...text.matchAll(/"source":\s*"([^"\\]+)"/g)].map(([, source = '']) => source);
  return sources.filter((source) => source.startsWith(`${cluster}/`));
}

/** `<cluster>/<executorId>/<name>/…` */
function backupOf(source: string): string {
  return source.split('/')[2] ?? '';
}
