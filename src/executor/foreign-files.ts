import { decodeLzop } from '../storage/coding/lzop.ts';
import type { StepContext } from './step-context.ts';

/** A file of another program. */
export interface ForeignFile {
  /** At the location. */
  key: string;
  /** In its table's folder, as it was called on the node; an index's files are in `.<index name>/`. */
  path: string;
  /** Bytes at the location. */
  size: number;
  /** Epoch ms of its last change. */
  modified: number;
  /** Absent: it lies there as it was on the node. */
  compression?: 'lzop';
}

/** One table's files in a tree of another program. */
export interface ForeignTable {
  keyspace: string;
  table: string;
  /** 32 hex digits, where the folder's name has them; the forerunner left them out. */
  id: string | null;
  /** Its folder, for people; with a `/` at the end. */
  prefix: string;
  files: ForeignFile[];
  /** What lies elsewhere under the names of `files` once more. */
  twins?: ForeignFile[];
}

/** A table's folder, as Cassandra names it since 2.1 or without the table's id. */
export function parseTableFolder(folder: string): Pick<ForeignTable, 'table' | 'id'> {
  const [, table = folder, id = null] = /^(.+)-([0-9a-f]{32})$/.exec(folder) ?? [];
  return { table, id };
}

/** The text of a small file. Null when there is none. Throws BACKUP_DAMAGED. */
export async function foreignText(
  { storage, signal }: Pick<StepContext, 'storage' | 'signal'>,
  { key, compression }: ForeignFile,
): Promise<string | null> {
  if (compression === undefined) return storage.getDocument(key);
  const content = await storage.readStream(key, { signal });
  if (content === null) return null;
  const blocks: Buffer[] = [];
  for await (const block of decodeLzop(content, key)) blocks.push(block);
  return Buffer.concat(blocks).toString();
}
