import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { wrapError } from '../errors.ts';

/** Where one node's files lie. Everything but `configuration` and `logs` outlives the executor's sandbox. */
export interface NodePaths {
  /** `<base>/<executorId>` of every base: what is locked. */
  bases: string[];
  /** One per base (JBOD). */
  data: string[];
  /** One per base, in the order of `data`: a file moved from one to the other stays on its file system. */
  staging: string[];
  commitlog: string;
  /** What is known of SSTables without reading them. */
  digests: string;
  /** What is needed to go on with an upload that was cut short. */
  uploads: string;
  hints: string;
  savedCaches: string;
  cdcRaw: string;
  /** Files written at every start: cassandra.yaml and its like. */
  configuration: string;
  logs: string;
  /** The JVM's own temporary files: native libraries that it unpacks. */
  temporary: string;
}

/** The layout of a node on its host. Paths must be absolute: the JVM has another working directory than we. */
export function nodePaths(dataDirectories: string[], executorId: string, workDirectory: string): NodePaths {
  const bases = dataDirectories.map((base) => join(base, executorId));
  const first = bases[0];
  if (first === undefined) throw new TypeError('expected at least one data directory, got none');
  return {
    bases,
    data: bases.map((base) => join(base, 'data')),
    staging: bases.map((base) => join(base, 'staging')),
    commitlog: join(first, 'commitlog'),
    digests: join(first, 'digests'),
    uploads: join(first, 'uploads'),
    hints: join(first, 'hints'),
    savedCaches: join(first, 'saved_caches'),
    cdcRaw: join(first, 'cdc_raw'),
    configuration: join(workDirectory, 'conf'),
    logs: join(workDirectory, 'logs'),
    temporary: join(workDirectory, 'tmp'),
  };
}

/**
 * Where directories really are; those that are missing are made. A volume may be a link in the sandbox: the same data are to
 * have the same path, and so the same lock, by whatever way they were come to.
 */
export async function realDirectories(directories: string[]): Promise<string[]> {
  const real: string[] = [];
  for (const directory of directories) {
    try {
      await mkdir(directory, { recursive: true });
      real.push(await realpath(directory));
    } catch (error) {
      throw wrapError(`data directory ${directory}`, error, 'CASSANDRA_ERROR');
    }
  }
  return real;
}
