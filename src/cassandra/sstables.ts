import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatorError } from '../errors.ts';

/** What the name of one file of an SSTable says. */
export interface SSTableComponent {
  /** Two letters: mc, md, me (3.x), na, nb (4.x), oa, da (5.x). */
  version: string;
  /** A sequence number, or a time-based UUID in Cassandra's spelling (4.1+ with uuid_sstable_identifiers_enabled). */
  id: string;
  format: 'big' | 'bti';
  /** Data.db, Digest.crc32, TOC.txt, SAI+aa+by_age+Meta.db, … */
  component: string;
}

/** `<version>-<id>-<format>-<component>`: Cassandra's Descriptor, SequenceBasedSSTableId and UUIDBasedSSTableId. */
const COMPONENT = /^([a-z]{2})-(\d+|[0-9a-z]{4}_[0-9a-z]{4}_[0-9a-z]{18})-(big|bti)-([^/]+)$/;

/** Sequence ids of files put into a live table: so far above its own that flushes and compactions do not get there first. */
const GENERATION_DISTANCE = 100_000;

/** Null where the name is not that of an SSTable's file. */
export function parseComponent(name: string): SSTableComponent | null {
  const [, version, id, format, component] = COMPONENT.exec(name) ?? [];
  if (!version || !id || !component) return null;
  return { version, id, format: format === 'bti' ? 'bti' : 'big', component };
}

/** The file with Data.db's checksum, beside any component of the same SSTable. */
export function digestComponent(sstable: SSTableComponent): string {
  return renameComponent({ ...sstable, component: 'Digest.crc32' }, sstable.id);
}

/** The component's file name under another id. */
export function renameComponent(sstable: SSTableComponent, id: string): string {
  return [sstable.version, id, sstable.format, sstable.component].join('-');
}

/** True for ids that are numbers: those of two nodes, or of before and after a truncation, are the same. */
export function isSequenceId(id: string): boolean {
  return /^\d+$/.test(id);
}

/** `count` sequence ids that no file among `existingNames` has, nor the table will give soon. */
export function nextGenerations(existingNames: Iterable<string>, count: number): number[] {
  let highest = 0;
  for (const name of existingNames) {
    const id = parseComponent(name)?.id;
    if (id !== undefined && isSequenceId(id)) highest = Math.max(highest, Number(id));
  }
  return Array.from({ length: count }, (_, index) => highest + GENERATION_DISTANCE + index);
}

/** Where Cassandra keeps a table's SSTables. `id` is the table's UUID, with dashes or without. */
export function tableDirectory(dataDirectory: string, keyspace: string, table: string, id: string): string {
  return join(dataDirectory, keyspace, `${table}-${id.replaceAll('-', '')}`);
}

/** The CRC-32 of Data.db as Cassandra wrote it: decimal text, unsigned. Throws SSTABLE_CORRUPT when it is not that. */
export async function readDigest(path: string): Promise<number> {
  return parseDigest(await readFile(path, 'utf8'), path);
}

/** The content of a Digest.crc32; `path` is for the message. Throws SSTABLE_CORRUPT. */
export function parseDigest(content: string, path: string): number {
  const text = content.trim();
  const value = Number(text);
  if (/^\d{1,10}$/.test(text) && value <= 0xffff_ffff) return value;
  throw new OperatorError('SSTABLE_CORRUPT', `expected a CRC-32 in ${path}, got ${JSON.stringify(text.slice(0, 40))}`);
}
