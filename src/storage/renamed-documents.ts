import type { DamagedFile } from '../model/backup.ts';

/** Checksums of a document before and after. */
export interface Pair {
  before: string;
  after: string;
}

interface Names {
  /** In whose folder it lies, whatever the document says: it may have been brought there from another cluster. */
  cluster: string;
  from: string;
  to: string;
}

/** Everything else stays as it is, also what this version does not know. Null: it is no manifest. */
export function rewriteManifest(
  text: string,
  { cluster, from, to, moving }: Names & { moving: ReadonlySet<string> },
  moves: boolean,
): string | null {
  const manifest = parsed(text);
  if (manifest === null) return null;
  const clusters = [cluster, manifest.cluster];
  if (moves) manifest.cluster = cluster;
  if (moves && manifest.executorId === from) manifest.executorId = to;
  for (const file of Array.isArray(manifest.files) ? manifest.files : []) {
    const { source } = file;
    if (typeof source !== 'string') continue;
    const [ofCluster, executorId, name, ...path] = source.split('/');
    if (clusters.includes(ofCluster) && executorId === from && moving.has(name ?? '')) {
      file.source = [cluster, to, name, ...path].join('/');
    }
  }
  return written(manifest);
}

interface RecordNode {
  executorId?: unknown;
  manifestSha256?: unknown;
}

/** A record that did not know the manifest does not know it afterwards: what is damaged stays damaged. Null: it is no record. */
export function rewriteRecord(
  text: string,
  { cluster, to }: Omit<Names, 'from'>,
  { owner, moves, manifest }: { owner: string; moves: boolean; manifest: Pair | null },
): string | null {
  const record = parsed(text);
  if (record === null) return null;
  if (moves) record.cluster = cluster;
  for (const node of Array.isArray(record.nodes) ? record.nodes : []) {
    if (node.executorId !== owner) continue;
    if (moves) node.executorId = to;
    if (manifest !== null && node.manifestSha256 === manifest.before) node.manifestSha256 = manifest.after;
  }
  for (const node of Array.isArray(record.missing) ? record.missing : []) {
    if (moves && node.executorId === owner) node.executorId = to;
  }
  return written(record);
}

export function rewriteFinding(
  text: string,
  { cluster, from, to }: Names,
  record: Pair | null,
  moves: boolean,
): string | null {
  const finding = parsed(text);
  if (finding === null || record === null || finding.recordSha256 !== record.before) return null;
  const damaged = (finding.damaged ?? []).map((file) =>
    moves && file.executorId === from ? { ...file, executorId: to } : file,
  );
  return written({ ...finding, ...(moves ? { cluster } : {}), recordSha256: record.after, damaged });
}

/** What of any of the three documents is looked at; whatever it holds is checked before it is used. */
interface Document {
  cluster?: unknown;
  executorId?: unknown;
  files?: { source?: unknown }[];
  nodes?: RecordNode[];
  missing?: RecordNode[];
  recordSha256?: unknown;
  damaged?: DamagedFile[];
}

function parsed(text: string): Document | null {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' ? value : null;
  } catch {
    // Whoever reads the backup says that it is damaged; its folder has to have its name all the same.
    return null;
  }
}

/** As every document is written. */
export function written(document: object): string {
  return `${JSON.stringify(document, null, 1)}\n`;
}
