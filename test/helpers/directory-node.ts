import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { CassandraNode } from '../../src/cassandra/node.ts';
import type { ColumnSchema, Schema, TableSchema } from '../../src/cassandra/schema.ts';
import { parseComponent, renameComponent, tableDirectory } from '../../src/cassandra/sstables.ts';
import { OperatorError } from '../../src/errors.ts';
import type { NodeHealth } from '../../src/model/node.ts';
import { ScriptedUpkeep } from './scripted-upkeep.ts';
import { componentsOf, linkSSTable, names } from './sstable-files.ts';

const COMPONENTS = ['Data.db', 'Statistics.db', 'TOC.txt'];

/**
 * A CassandraNode over a directory tree, for faults that a real one cannot be made to show. It does with files what
 * Cassandra 5 does: snapshots are hard links, a load renames, TRUNCATE keeps a snapshot, a start deletes orphans.
 */
export class DirectoryNode implements CassandraNode {
  readonly dataDirectories: string[];
  readonly state: NodeHealth;
  readonly upkeep: ScriptedUpkeep;
  readonly schemaNow: Schema;
  /** Every call, as `operation argument argument`. */
  readonly calls: string[] = [];
  /** Called before an operation does its work; what it throws, the operation throws. */
  before: (operation: string, args: readonly unknown[]) => void | Promise<void> = () => undefined;
  /** Absolute paths of the live Data.db files, by `keyspace.table`. */
  readonly #live = new Map<string, Set<string>>();
  #generation = 0;

  constructor(dataDirectories: string[], executorId = 'cassandra.dev.node.0.executor') {
    this.dataDirectories = dataDirectories;
    this.schemaNow = { version: randomUUID(), keyspaces: [], tables: [], types: [], statements: [] };
    this.state = {
      operationMode: 'NORMAL',
      hostId: `host-of-${executorId}`,
      version: '5.0.5',
      clusterName: 'dev',
      datacenter: 'DC1',
      rack: 'RAC1',
      partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
      schemaVersion: this.schemaNow.version,
      tokens: ['-100', '200'],
      liveNodes: ['127.0.0.1'],
      unreachableNodes: [],
      movingNodes: [],
      uptimeMillis: 1000,
      nativeTransportRunning: true,
    };
    this.upkeep = new ScriptedUpkeep(this.state);
  }

  /** Makes a table or, with `viewOf`, a view, and its keyspace where it is missing. */
  createTable(keyspace: string, table: string, viewOf: string | null = null): TableSchema {
    if (!this.schemaNow.keyspaces.includes(keyspace)) {
      this.schemaNow.keyspaces.push(keyspace);
      this.schemaNow.statements.push({
        type: 'keyspace',
        keyspace,
        name: keyspace,
        cql: `CREATE KEYSPACE ${keyspace}`,
      });
    }
    const type = viewOf === null ? 'table' : 'materialized_view';
    const word =
      viewOf === null ? `CREATE TABLE ${keyspace}.${table}` : `CREATE VIEW ${keyspace}.${table} OF ${viewOf}`;
    this.schemaNow.statements.push({ type, keyspace, name: table, cql: word });
    const made: TableSchema = {
      keyspace,
      table,
      id: randomUUID(),
      viewOf,
      columns: [column('id')],
      droppedColumns: [],
    };
    this.schemaNow.tables.push(made);
    for (const directory of this.dataDirectories) mkdirSync(this.#directory(made, directory), { recursive: true });
    return made;
  }

  /** Writes an SSTable whose Data.db holds `rows`; it is live at once. Returns the path of its Data.db. */
  write(
    keyspace: string,
    table: string,
    rows: string,
    options: { dataDirectory?: number; index?: string } = {},
  ): string {
    const directory = this.#directory(
      this.#table(keyspace, table),
      this.dataDirectories[options.dataDirectory ?? 0] ?? '',
    );
    const prefix = `nb-${++this.#generation}-big`;
    const data = join(directory, `${prefix}-Data.db`);
    // A flush does not look whether its name is free.
    writeFileSync(data, rows, { flag: 'wx' });
    writeFileSync(join(directory, `${prefix}-Statistics.db`), `statistics of ${rows}`);
    writeFileSync(join(directory, `${prefix}-Digest.crc32`), String(crc32(rows)));
    writeFileSync(join(directory, `${prefix}-TOC.txt`), COMPONENTS.join('\n'));
    if (options.index !== undefined) {
      mkdirSync(join(directory, `.${options.index}`), { recursive: true });
      writeFileSync(join(directory, `.${options.index}`, `${prefix}-Data.db`), `index of ${rows}`);
    }
    this.#liveOf(keyspace, table).add(data);
    return data;
  }

  /** What a SELECT would give: the rows of all live SSTables, one entry for each time that they are there. */
  rows(keyspace: string, table: string): string[] {
    return [...this.#liveOf(keyspace, table)].map((path) => readFileSync(path, 'utf8')).sort();
  }

  /** Tags of snapshots that are on the disk. */
  snapshots(): string[] {
    const tags = this.dataDirectories.flatMap((directory) =>
      this.schemaNow.tables.flatMap((table) => names(join(this.#directory(table, directory), 'snapshots'))),
    );
    return [...new Set(tags)].sort();
  }

  /** What Cassandra does at its start: orphans are deleted, and every Data.db there is, is opened under its name. */
  restart(): void {
    this.#live.clear();
    for (const table of this.schemaNow.tables) {
      const live = this.#liveOf(table.keyspace, table.table);
      for (const directory of this.dataDirectories.map((each) => this.#directory(table, each))) {
        const all = names(directory);
        for (const name of all) {
          const parsed = parseComponent(name);
          if (parsed === null) continue;
          const data = renameComponent({ ...parsed, component: 'Data.db' }, parsed.id);
          if (!all.includes(data)) rmSync(join(directory, name));
          else if (name === data) live.add(this.#checked(join(directory, name)));
          this.#generation = Math.max(this.#generation, Number(parsed.id));
        }
      }
    }
  }

  async health(signal?: AbortSignal): Promise<NodeHealth> {
    await this.#called('health', [], signal);
    return structuredClone(this.state);
  }

  async takeSnapshot(tag: string, keyspace: string, signal?: AbortSignal): Promise<void> {
    await this.#called('takeSnapshot', [tag, keyspace], signal);
    for (const table of this.schemaNow.tables.filter((each) => each.keyspace === keyspace)) {
      const live = [...this.#liveOf(keyspace, table.table)];
      for (const directory of this.dataDirectories) {
        const target = join(this.#directory(table, directory), 'snapshots', tag);
        if (existsSync(target)) throw new OperatorError('SNAPSHOT_FAILED', `Snapshot ${tag} already exists.`);
        mkdirSync(target, { recursive: true });
        for (const data of live) if (data.startsWith(`${directory}/`)) linkSSTable(data, target);
      }
      const first = join(this.#directory(table, this.dataDirectories[0] ?? ''), 'snapshots', tag);
      const files = live.map((path) => basename(path));
      writeFileSync(join(first, 'manifest.json'), JSON.stringify({ files }));
      writeFileSync(join(first, 'schema.cql'), `CREATE TABLE ${keyspace}.${table.table}`);
    }
  }

  async clearSnapshot(tag: string, keyspaces?: string[], signal?: AbortSignal): Promise<void> {
    await this.#called('clearSnapshot', [tag, ...(keyspaces ?? [])], signal);
    for (const table of this.schemaNow.tables) {
      if (keyspaces && !keyspaces.includes(table.keyspace)) continue;
      for (const directory of this.dataDirectories) {
        rmSync(join(this.#directory(table, directory), 'snapshots', tag), { recursive: true, force: true });
      }
    }
  }

  async schema(also: string[] = [], signal?: AbortSignal): Promise<Schema> {
    await this.#called('schema', also, signal);
    const visible = ({ keyspace }: { keyspace: string }) => !keyspace.startsWith('system') || also.includes(keyspace);
    return structuredClone({
      ...this.schemaNow,
      keyspaces: this.schemaNow.keyspaces.filter((keyspace) => visible({ keyspace })),
      tables: this.schemaNow.tables.filter(visible),
      statements: this.schemaNow.statements.filter(visible),
    });
  }

  async truncate(keyspace: string, table: string, signal?: AbortSignal): Promise<void> {
    await this.#called('truncate', [keyspace, table], signal);
    const emptied = this.schemaNow.tables.filter(
      (each) => each.keyspace === keyspace && (each.table === table || each.viewOf === table),
    );
    for (const each of emptied) {
      const live = this.#liveOf(keyspace, each.table);
      for (const data of live) {
        const target = join(dirname(data), 'snapshots', `truncated-${Date.now()}-${each.table}`);
        mkdirSync(target, { recursive: true });
        linkSSTable(data, target);
        for (const path of componentsOf(data)) rmSync(path);
      }
      live.clear();
    }
  }

  /** Understands `CREATE TABLE ks.t` and `CREATE VIEW ks.v OF t`; the rest is only noted. */
  async execute(text: string, signal?: AbortSignal): Promise<void> {
    await this.#called('execute', [text], signal);
    const [, keyspace, table, viewOf] = /^CREATE (?:TABLE|VIEW) (\w+)\.(\w+)(?: OF (\w+))?/.exec(text) ?? [];
    if (keyspace && table) this.createTable(keyspace, table, viewOf ?? null);
  }

  async loadNewSSTables(keyspace: string, table: string, signal?: AbortSignal): Promise<void> {
    await this.#called('loadNewSSTables', [keyspace, table], signal);
    const live = this.#liveOf(keyspace, table);
    for (const root of this.dataDirectories) {
      const directory = this.#directory(this.#table(keyspace, table), root);
      for (const name of names(directory).filter((each) => each.endsWith('-Data.db'))) {
        const data = this.#checked(join(directory, name));
        if (live.has(data)) continue;
        do this.#generation += 1;
        while (existsSync(join(directory, `nb-${this.#generation}-big-Data.db`)));
        const generation = String(this.#generation);
        for (const path of componentsOf(data)) {
          const parsed = parseComponent(basename(path));
          if (parsed !== null) renameSync(path, join(directory, renameComponent(parsed, generation)));
        }
        live.add(join(directory, `nb-${generation}-big-Data.db`));
      }
    }
  }

  async liveSSTableCount(keyspace: string, table: string, signal?: AbortSignal): Promise<number> {
    await this.#called('liveSSTableCount', [keyspace, table], signal);
    return this.#liveOf(keyspace, table).size;
  }

  async drain(signal?: AbortSignal): Promise<void> {
    await this.#called('drain', [], signal);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #called(operation: string, args: readonly unknown[], signal?: AbortSignal): Promise<void> {
    this.calls.push([operation, ...args].join(' '));
    await this.before(operation, args);
    signal?.throwIfAborted();
  }

  /** An SSTable that lacks a component of its TOC would fail a real Cassandra. */
  #checked(data: string): string {
    for (const component of COMPONENTS) {
      const path = data.replace(/Data\.db$/, component);
      if (!existsSync(path)) throw new OperatorError('CASSANDRA_ERROR', `CorruptSSTableException: ${path} is missing`);
    }
    return data;
  }

  #table(keyspace: string, table: string): TableSchema {
    const found = this.schemaNow.tables.find((each) => each.keyspace === keyspace && each.table === table);
    if (found) return found;
    throw new OperatorError('CASSANDRA_ERROR', `unconfigured table ${keyspace}.${table}`);
  }

  #directory({ keyspace, table, id }: TableSchema, dataDirectory: string): string {
    return tableDirectory(dataDirectory, keyspace, table, id);
  }

  #liveOf(keyspace: string, table: string): Set<string> {
    const name = `${keyspace}.${table}`;
    const live = this.#live.get(name) ?? new Set();
    this.#live.set(name, live);
    return live;
  }
}

export function column(name: string, change: Partial<ColumnSchema> = {}): ColumnSchema {
  return { name, kind: 'partition_key', type: 'text', position: 0, clusteringOrder: 'none', ...change };
}
