import { copyFile, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Cql } from '../../src/cassandra/cql.ts';
import { LiveNode } from '../../src/cassandra/live-node.ts';
import { CassandraProcess } from '../../src/cassandra/process.ts';
import type { SnapshotTable } from '../../src/cassandra/snapshots.ts';
import { nextGenerations, parseComponent, renameComponent, tableDirectory } from '../../src/cassandra/sstables.ts';
import { systemClock } from '../../src/clock.ts';
import { dependencies, makeDirectory, smallNode } from './real-cassandra.ts';

/** A running Cassandra with what tests do to it besides the calls under test. */
export class LiveCassandra {
  readonly directory: string;
  readonly server: CassandraProcess;
  readonly node: LiveNode;
  readonly #cql: Cql;

  private constructor(directory: string, server: CassandraProcess) {
    this.directory = directory;
    this.server = server;
    this.node = new LiveNode(server.endpoint, systemClock);
    this.#cql = new Cql(server.endpoint.address, server.endpoint.nativePort);
  }

  static async start(address: string, onProgress: (mode: string) => void): Promise<LiveCassandra> {
    const directory = await makeDirectory();
    const server = await CassandraProcess.start(await smallNode(directory, address), dependencies(directory));
    const live = new LiveCassandra(directory, server);
    try {
      await server.ready({ onProgress });
      return live;
    } catch (error) {
      await live.end();
      throw error;
    }
  }

  async end(): Promise<void> {
    await this.#cql.close();
    await this.node.close();
    await this.server.stop({ drain: false, graceMs: 20_000 });
    await rm(this.directory, { recursive: true, force: true });
  }

  async make(statement: string): Promise<void> {
    await this.#cql.execute(statement, { timeoutMs: 60_000 });
  }

  async idsIn(table: string): Promise<number[]> {
    const rows = await this.#cql.rows(`SELECT id FROM ${table}`, { timeoutMs: 10_000 });
    return rows.map((row) => Number(row['id'])).sort((left, right) => left - right);
  }

  async schemaOf(keyspace: string) {
    const { statements, tables, types } = await this.node.schema();
    const own = (entry: { keyspace: string }) => entry.keyspace === keyspace;
    return { statements: statements.filter(own), tables: tables.filter(own), types: types.filter(own) };
  }

  async tablesOf(keyspace: string) {
    return (await this.schemaOf(keyspace)).tables;
  }

  /** Copies a snapshot's files into the live table under generations of their own. Returns the number of SSTables. */
  async putBack(keyspace: string, table: string, id: string, snapshot: SnapshotTable[]): Promise<number> {
    const directories = this.server.paths.data.map((data) => tableDirectory(data, keyspace, table, id));
    const present = (await Promise.all(directories.map((directory) => readdir(directory)))).flat();
    const files = snapshot.flatMap((entry) => entry.files.map((file) => ({ ...entry, name: file.path })));
    const oldIds = [...new Set(files.map((file) => parseComponent(file.name)?.id))];
    const newIds = nextGenerations(present, oldIds.length);
    for (const { name, path, dataDirectory } of files) {
      const component = parseComponent(name);
      if (!component) throw new Error(`expected a component, got ${name}`);
      const target = renameComponent(component, String(newIds[oldIds.indexOf(component.id)]));
      await copyFile(join(path, name), join(directories[dataDirectory] ?? '', target));
    }
    return oldIds.length;
  }
}

/** Process group of a process. */
export async function groupOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2];
}
