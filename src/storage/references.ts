import { isBackupName } from '../model/backup-name.ts';
import type { NodeManifest } from '../model/backup.ts';
import { keptManifestKey, manifestKey, nodeFolders } from './layout.ts';
import type { Storage } from './storage.ts';

/** Bytes at the beginning of a manifest in which it says what it refers to, see withReferences. */
const HEAD = 4096;

const CHECKSUM = /^[0-9a-f]{64}$/;

/** Manifests that are read at the same time. */
const AT_ONCE = 8;

interface Manifest {
  executorId: string;
  key: string;
  backup: string;
}

/** What a manifest refers to, as far as that was found out. */
interface Known {
  /** Names of the backups in whose folders bytes of it lie. */
  backups: ReadonlySet<string>;
  /** Checksum of the manifest that it is to take the place of, once its record is there. */
  instead: string | undefined;
}

/**
 * Which manifests of a cluster name bytes in folders of other backups. Of a manifest that says by itself in which backups these lie only the
 * beginning is read; of others all, once. To be used while nobody else writes at the location.
 */
export class References {
  readonly #storage: Pick<Storage, 'folders' | 'getDocument' | 'getHead'>;
  readonly #cluster: string;
  /** By the manifest's key. */
  readonly #known = new Map<string, Known>();

  constructor(storage: Pick<Storage, 'folders' | 'getDocument' | 'getHead'>, cluster: string) {
    this.#storage = storage;
    this.#cluster = cluster;
  }

  /** Keys in folders of a backup that manifests of other backups name as where their bytes lie. */
  async into(backup: string, signal: AbortSignal): Promise<Set<string>> {
    const needed = new Set<string>();
    const others = (await this.#manifests()).filter((manifest) => manifest.backup !== backup).values();
    const lane = async (): Promise<void> => {
      for (const manifest of others) {
        signal.throwIfAborted();
        for (const { key, backups } of await this.#both(manifest)) {
          if (!backups.has(backup)) continue;
          for (const source of sourcesIn(await this.#text(key), this.#cluster)) {
            if (backupOf(source) === backup) needed.add(source);
          }
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    return needed;
  }

  /**
   * Manifests of any executor that name bytes in folders of other backups, of which these are. `isResumed`: the one that the record names was put
   * aside, and names some, or this one does.
   */
  async naming(backups: ReadonlySet<string>): Promise<{ executorId: string; backup: string; isResumed: boolean }[]> {
    const found: { executorId: string; backup: string; isResumed: boolean }[] = [];
    const all = (await this.#manifests()).values();
    const lane = async (): Promise<void> => {
      for (const manifest of all) {
        const { executorId, backup } = manifest;
        const both = await this.#both(manifest);
        const isNaming = both.some((each) => [...each.backups].some((name) => backups.has(name)));
        if (isNaming) found.push({ executorId, backup, isResumed: both.length > 1 });
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

  /** A manifest and, where there is one, the one that it is to take the place of: until then a record names that. */
  async #both({ executorId, backup, key }: Manifest): Promise<{ key: string; backups: ReadonlySet<string> }[]> {
    const { backups, instead } = await this.#knownOf(key);
    if (instead === undefined) return [{ key, backups }];
    const kept = keptManifestKey(this.#cluster, executorId, backup, instead);
    if ((await this.#storage.getHead(kept, 1)) === null) return [{ key, backups }];
    return [
      { key, backups },
      { key: kept, backups: (await this.#knownOf(kept)).backups },
    ];
  }

  async #knownOf(key: string): Promise<Known> {
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
  /** Checksum of the manifest that it is to take the place of, which lies beside it until its record is there. */
  instead?: string;
}

/** The text of a manifest with what it refers to at its beginning. `instead`: see Declared. */
export function withReferences(
  stringify: (references: Declared) => string,
  { cluster, files }: Pick<NodeManifest, 'cluster' | 'files'>,
  instead: string | null,
): string {
  const sources = files.flatMap(({ source }) => source ?? []).filter((source) => source.startsWith(`${cluster}/`));
  const backups = [...new Set(sources.map(backupOf))].toSorted();
  const rest = { backups, ...(instead === null ? {} : { instead }) };
  const withoutNumber = Buffer.byteLength(stringify({ bytes: 0, ...rest })) - 1;
  let bytes = withoutNumber;
  while (withoutNumber + String(bytes).length !== bytes) bytes = withoutNumber + String(bytes).length;
  return stringify({ bytes, ...rest });
}

/** Null where a manifest does not say, or not in a way that can be trusted. */
function declared(head: { text: string; size: number } | null): Known | null {
  const text = /^ "references": (\{[^}]*\}),$/m.exec(head?.text ?? '')?.[1];
  if (head === null || text === undefined) return null;
  try {
    const { bytes, backups, instead } = JSON.parse(text) as Partial<Declared>;
    const isGood = bytes === head.size && Array.isArray(backups) && backups.every(isBackupName);
    return isGood && isChecksum(instead) ? { backups: new Set(backups), instead } : null;
  } catch {
    // Read as one that does not say.
    return null;
  }
}

function isChecksum(instead: unknown): instead is string | undefined {
  return instead === undefined || (typeof instead === 'string' && CHECKSUM.test(instead));
}

function found(text: string, cluster: string): Known {
  const instead = /^ "references": \{[^}]*"instead": "([0-9a-f]{64})"[^}]*\},$/m.exec(text)?.[1];
  return { backups: new Set(sourcesIn(text, cluster).map(backupOf)), instead };
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
