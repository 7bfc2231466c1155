import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type cassandra from 'cassandra-driver';
import { connect } from '../scripts/lib/dataset.ts';
import { LocalRing } from '../scripts/lib/local-ring.ts';
import type { JobJson, PhaseJson } from '../src/jobs/job-json.ts';

/** Longer than any job of these sizes takes, even on a slow disk. */
const JOB_MS = 60 * 60 * 1000;

/** A ring of one node in a directory of its own: what is measured is the program's work, not the neighbours'. */
export class BenchRing {
  /** Everything lies below it, on one file system. */
  readonly directory: string;
  readonly #ring: LocalRing;
  #client: cassandra.Client | null = null;

  private constructor(directory: string, port: number, args: string[]) {
    this.directory = directory;
    this.#ring = new LocalRing({ nodes: 1, port, data: join(directory, 'ring'), args });
  }

  /**
   * Makes its directory, and starts nothing yet. `memtableMib`: room for what is not flushed yet, outside of the heap; the more of it, the larger
   * the SSTables. Null for Cassandra's own choice, with which they have 16 MB. `location`: of the backups, below its directory where it is left out.
   */
  static async create(
    parent: string,
    port: number,
    address: string,
    memtableMib: number | null,
    location?: string,
  ): Promise<BenchRing> {
    const directory = await mkdtemp(join(parent, 'cassandra-mesos-bench-'));
    const args = ['--address', address];
    if (location !== undefined) args.push('--backup-directory', location);
    if (memtableMib !== null) {
      const yaml = join(directory, 'overrides.yaml');
      await writeFile(yaml, `memtable_allocation_type: offheap_objects\nmemtable_offheap_space: ${memtableMib}MiB\n`);
      args.push('--cassandra-yaml', yaml);
    }
    return new BenchRing(directory, port, args);
  }

  async start(): Promise<void> {
    await this.#ring.start();
    await this.#ring.ready(300_000);
    this.#client = connect(this.#ring.address);
  }

  /** Stops the ring and removes all that it and the measurements have written. */
  async end(): Promise<void> {
    await this.#client?.shutdown();
    await this.#ring.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  get client(): cassandra.Client {
    if (this.#client === null) throw new Error('the ring does not run');
    return this.#client;
  }

  get backups(): string {
    return join(this.#ring.options.data, 'backup');
  }

  /** Folders of a keyspace's tables on the node. */
  tableFolders(keyspace: string): string[] {
    return globSync(join(this.#ring.options.data, 'nodes/*/data', keyspace, '*'));
  }

  /** Runs a job to its end. Throws when it ends other than with SUCCESS. */
  run(kind: 'backup' | 'restore', name: string): Promise<JobJson> {
    return this.#run(kind, name, `/cluster/${kind}/start?name=${name}`);
  }

  /** Reads every byte of a backup. Throws when one is not what it was. */
  verify(name: string): Promise<JobJson> {
    return this.#run('verification', name, `/cluster/backups/${name}/verify?deep=true`);
  }

  async #run(kind: string, name: string, path: string): Promise<JobJson> {
    const { status, body } = await this.#ring.post(path);
    if (status !== 200) throw new Error(`the ${kind} was refused: ${JSON.stringify(body)}`);
    const { job: id } = body as { job: number };
    let job: JobJson | null = null;
    await this.#ring.until(`${kind} ${name} has ended`, JOB_MS, async () => {
      job = (await this.#ring.get(`/cluster/jobs/${id}`)).body as JobJson;
      return job.finished !== null;
    });
    const ended = job as JobJson | null;
    if (ended?.result !== 'SUCCESS') throw new Error(`the ${kind} ended so: ${JSON.stringify(ended, null, 2)}`);
    return ended;
  }

  /** Lines that the executor has logged. */
  executorLog(): Record<string, unknown>[] {
    return globSync(join(this.#ring.options.data, 'mesos/**/runs/*/stderr'))
      .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  get schedulerPid(): number {
    return this.#ring.schedulerPid;
  }

  /** The executor is the parent of the node's JVM, whose command line names the ring's directory. */
  get executorPid(): number {
    for (const file of globSync('/proc/[0-9]*/cmdline')) {
      const line = readIfThere(file);
      if (!line.includes('CassandraDaemon') || !line.includes(`${this.directory}/`)) continue;
      return Number(statusField(Number(file.split('/')[2]), 'PPid'));
    }
    throw new Error('no Cassandra of this ring runs');
  }
}

/** A field of /proc/<pid>/status, for example `VmHWM` (in kB). */
export function statusField(pid: number, name: string): string {
  const found = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (found === undefined) throw new Error(`expected ${name} in the status of process ${pid}, found none`);
  return found;
}

/** Time of a phase that has ended, in seconds, or from its begin to the end of a later one. */
export function secondsOf({ phases }: JobJson, first: PhaseJson['name'], last = first): number {
  const started = phases.find(({ name }) => name === first)?.started;
  const finished = phases.find(({ name }) => name === last)?.finished;
  if (started == null || finished == null) throw new Error(`expected that ${first} to ${last} have ended`);
  return (finished - started) / 1000;
}

/** Empty when the process has ended meanwhile. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return '';
    throw error;
  }
}
