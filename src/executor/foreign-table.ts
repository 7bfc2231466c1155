import { dirname } from 'node:path';
import { digestComponent, parseComponent } from '../cassandra/sstables.ts';
import { OperatorError } from '../errors.ts';
import { foreignText, type ForeignFile, type ForeignTable } from './foreign-files.ts';
import type { StepContext } from './step-context.ts';

/** Of more problems of a table there is the number. */
const NAMED = 10;

/** Without any of these Cassandra does not open an SSTable whose TOC.txt names it. Summary.db and indexes it makes anew. */
const NEEDED = new Set([
  'Data.db',
  'Index.db',
  'Partitions.db',
  'Rows.db',
  'Statistics.db',
  'Filter.db',
  'CompressionInfo.db',
]);
/** Every SSTable has these, whatever its TOC.txt says; and by its format one with the partitions. */
const ALWAYS = ['Data.db', 'Statistics.db', 'TOC.txt'];
const PARTITIONS = { big: 'Index.db', bti: 'Partitions.db' } as const;

/** The files of a table that belong to its SSTables and indexes; a snapshot's own documents do not. */
export function componentsOf({ files }: ForeignTable): ForeignFile[] {
  return files.filter(({ path }) => parseComponent(nameOf(path)) !== null);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** False for what Cassandra may write without any content. */
export function mayNotBeEmpty(path: string): boolean {
  return ALWAYS.includes(parseComponent(nameOf(path))?.component ?? '');
}

/**
 * Where an SSTable lies in several folders it has to be the same in all of them, by Cassandra's checksum of its rows: a node that was set up anew
 * counts from one again. Throws BACKUP_DAMAGED.
 */
export async function requireSame(
  context: StepContext,
  { keyspace, table, files, twins = [] }: ForeignTable,
): Promise<void> {
  const firsts = new Map(files.map((file) => [file.path, file]));
  for (const twin of twins) {
    const first = firsts.get(twin.path);
    if (first === undefined || parseComponent(twin.path)?.component !== 'Data.db') continue;
    const digest = await digestOf(context, first);
    if (digest !== null && digest === (await digestOf(context, twin))) continue;
    throw new OperatorError(
      'BACKUP_DAMAGED',
      `${keyspace}.${table} has two SSTables ${twin.path} that are not, or not known to be, the same: ${first.key} and ${twin.key}`,
      { details: { table } },
    );
  }
}

/** What Cassandra wrote beside a Data.db as its checksum; null where it is not there. */
export async function digestOf(context: StepContext, file: ForeignFile): Promise<string | null> {
  const sstable = parseComponent(nameOf(file.path));
  if (sstable === null) return null;
  const suffix = file.compression === 'lzop' ? '.lzo' : '';
  return foreignText(context, { ...file, key: `${dirname(file.key)}/${digestComponent(sstable)}${suffix}` });
}

/**
 * Proof, as far as names and sizes can give one, that a table was stored whole: each SSTable's TOC.txt, and Cassandra's own manifest.json of
 * the snapshot where it lies there. Throws BACKUP_DAMAGED that names what is missing.
 */
export async function requireWhole(context: StepContext, foreign: ForeignTable): Promise<void> {
  const { keyspace, table, prefix } = foreign;
  const files = new Map(foreign.files.filter(({ path }) => !path.includes('/')).map((file) => [file.path, file]));
  const sstables = sstablesIn(files.keys());
  const problems = await missingInSnapshot(context, files, sstables.size);
  for (const [sstable, format] of sstables) {
    const contents = files.get(`${sstable}-TOC.txt`);
    const toc = contents === undefined ? '' : await foreignText(context, contents);
    const named = (toc ?? '').split(/\r?\n/).map((line) => line.trim());
    const needed = new Set([...ALWAYS, PARTITIONS[format], ...named.filter((component) => NEEDED.has(component))]);
    const missing = [...needed].filter((component) => !files.has(`${sstable}-${component}`));
    const empty = ALWAYS.filter((component) => files.get(`${sstable}-${component}`)?.size === 0);
    if (missing.length > 0) problems.push(`SSTable ${sstable} lacks ${missing.join(', ')}`);
    if (empty.length > 0) problems.push(`SSTable ${sstable} has nothing in ${empty.join(', ')}`);
  }
  if (problems.length === 0) return;
  const more = problems.length > NAMED ? `, and ${problems.length - NAMED} more` : '';
  throw new OperatorError(
    'BACKUP_DAMAGED',
    `${keyspace}.${table} is not whole in ${prefix}: ${problems.slice(0, NAMED).join('; ')}${more}`,
    { details: { table } },
  );
}

/** `nb-1-big` to its format. */
function sstablesIn(names: Iterable<string>): Map<string, 'big' | 'bti'> {
  const sstables = new Map<string, 'big' | 'bti'>();
  for (const name of names) {
    const parsed = parseComponent(name);
    if (parsed) sstables.set(`${parsed.version}-${parsed.id}-${parsed.format}`, parsed.format);
  }
  return sstables;
}

/** Held against the list that Cassandra wrote into the snapshot. Without it a folder without SSTables may be a copy that failed. */
async function missingInSnapshot(
  context: StepContext,
  files: ReadonlyMap<string, ForeignFile>,
  sstables: number,
): Promise<string[]> {
  const list = files.get('manifest.json');
  const text = list === undefined ? null : await foreignText(context, list);
  if (text === null) {
    return sstables > 0
      ? []
      : ['it holds no SSTable: that the table was empty, and not its copy cut short, is not said'];
  }
  const listed = listedIn(text);
  if (listed === null) return ['its manifest.json cannot be read'];
  return listed.filter((name) => !files.has(name)).map((name) => `${name} of its manifest.json is missing`);
}

/** `{"files":["nb-1-big-Data.db", …]}` as Cassandra wrote it. */
function listedIn(text: string): string[] | null {
  try {
    const { files } = JSON.parse(text) as { files?: unknown };
    return Array.isArray(files) ? files.map(String) : null;
  } catch {
    // The caller says so.
    return null;
  }
}
