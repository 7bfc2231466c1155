import { OperatorError } from '../errors.ts';
import type { SweepReport } from '../model/step.ts';
import { foundBackups, type FoundBackupFiles } from '../storage/found-backups.ts';
import { deletionKey, manifestKey, nodeKey, recordKey, verificationKey } from '../storage/layout.ts';
import { parseManifest } from '../storage/manifest.ts';
import { refuseRetained } from '../storage/retention.ts';
import { storeNow } from '../storage/store-clock.ts';
import { judge } from '../storage/sweep-rule.ts';
import { deleteBackup, Deletions } from './node-delete.ts';
import type { StepContext } from './step-context.ts';

/** What was changed within that time is left alone, unless another time is said. */
const GRACE_MS = 24 * 60 * 60 * 1000;

/** Entries of a report that are kept; all are counted. */
const MOST_FOUND = 300;

const DOCUMENTS = ['manifest.json', 'schema.cql', 'started.json'];

/**
 * Deletes, or with dryRun only finds, what nobody needs at a location: what killed writers left, deletions that were cut short, backups that
 * were never ended, folders and files that no record and no manifest names; see storage/sweep-rule.ts. Cut short anywhere, the next one goes on.
 */
export async function nodeSweep(context: StepContext): Promise<void> {
  const { request, storage, signal } = context;
  const { cluster } = request;
  const before = (await storeNow(storage, cluster)) - (request.graceMs ?? GRACE_MS);
  const sweep = new Sweep(context, before);
  for await (const { key, size } of storage.sweepUnfinished(`${cluster}/`, { before, dryRun: sweep.dryRun, signal })) {
    sweep.found({ path: key, files: 1, bytes: size, reason: 'an unfinished file' });
  }
  for await (const backup of foundBackups(storage, cluster, signal)) await sweep.backup(backup);
  sweep.end();
}

class Sweep {
  readonly dryRun: boolean;
  readonly #context: StepContext;
  readonly #cluster: string;
  readonly #before: number;
  readonly #known: Deletions;
  readonly #report: SweepReport = { files: 0, bytes: 0, backups: [], found: [] };

  constructor(context: StepContext, before: number) {
    this.dryRun = context.request.dryRun ?? false;
    this.#context = context;
    this.#cluster = context.request.cluster;
    this.#before = before;
    this.#known = new Deletions(context);
  }

  found(entry: SweepReport['found'][number]): void {
    this.#report.files += entry.files;
    this.#report.bytes += entry.bytes;
    if (this.#report.found.length < MOST_FOUND) this.#report.found.push(entry);
  }

  end(): void {
    this.#context.reporter.sweep(this.#report);
  }

  /** What the store retains is left, and the rest is swept all the same. */
  async backup(backup: FoundBackupFiles): Promise<void> {
    try {
      await this.#backup(backup);
    } catch (error) {
      if (!(error instanceof OperatorError) || error.code !== 'BACKUP_RETAINED') throw error;
      const path = recordKey(this.#cluster, backup.name);
      this.found({ path, files: 0, bytes: 0, reason: `left as it is: ${error.message}` });
    }
  }

  async #backup(backup: FoundBackupFiles): Promise<void> {
    const { name } = backup;
    const { all, parts, verification, extras, left } = judge(backup, this.#before);
    if (left !== null) {
      this.found({ path: recordKey(this.#cluster, name), files: 0, bytes: 0, reason: `left as it is: ${left}` });
    }
    if (all !== null) await this.#all(backup, all);
    for (const { executorId } of parts) await this.#part(name, executorId);
    if (verification) await this.#verification(name);
    for (const executorId of extras) if (backup.folders.includes(executorId)) await this.#extras(name, executorId);
    this.end();
  }

  /** As a deletion, which leaves a marker behind when it is cut short. */
  async #all({ name, folders }: FoundBackupFiles, reason: string): Promise<void> {
    for (const executorId of folders) await this.#count(name, executorId, reason);
    if (folders.length === 0) this.found({ path: deletionKey(this.#cluster, name), files: 1, bytes: 0, reason });
    if (this.dryRun) return;
    const { kept } = await deleteBackup(this.#context, name, () => undefined, this.#known);
    if (kept === 0) this.#report.backups.push(name);
  }

  /** The documents go last, and stay with what has to stay: without them it would look like another program's. */
  async #part(name: string, executorId: string): Promise<void> {
    const { storage, signal } = this.#context;
    const needed = await this.#count(name, executorId, "the backup's record does not name this node's part");
    if (this.dryRun) return;
    const prefix = `${nodeKey(this.#cluster, executorId, name)}/`;
    const keep = new Set([...needed, ...DOCUMENTS.map((document) => prefix + document)]);
    await storage.deleteFolder(prefix, { keep, signal });
    if (![...needed].some((key) => key.startsWith(prefix))) await storage.deleteFolder(prefix, { signal });
  }

  async #verification(name: string): Promise<void> {
    const key = verificationKey(this.#cluster, name);
    this.found({ path: key, files: 1, bytes: 0, reason: 'what a verification found of a backup that is no more' });
    if (!this.dryRun) await this.#context.storage.delete(key);
  }

  /** The manifest is the one that the record names: foundBackups has looked. */
  async #extras(name: string, executorId: string): Promise<void> {
    const { storage, signal } = this.#context;
    const prefix = `${nodeKey(this.#cluster, executorId, name)}/`;
    const key = manifestKey(this.#cluster, executorId, name);
    const { files } = parseManifest((await storage.getDocument(key)) ?? '', key);
    const named = new Set([...DOCUMENTS, ...files.map(({ path }) => path)].map((path) => prefix + path));
    // A resumed backup stores beside what was there.
    for (const { source } of files) if (source !== undefined) named.add(source);
    const extras: { key: string; size: number }[] = [];
    for await (const { key, size, changed } of storage.list(prefix)) {
      if (!named.has(key) && changed <= this.#before) extras.push({ key, size });
    }
    if (extras.length === 0) return;
    const needed = await this.#needed(name);
    await refuseRetained(storage, [prefix], { keep: new Set([...named, ...needed]), signal });
    for (const { key, size } of extras.filter((extra) => !needed.has(extra.key))) {
      signal.throwIfAborted();
      this.found({ path: key, files: 1, bytes: size, reason: 'a file that no manifest names' });
      if (!this.dryRun) await storage.delete(key);
    }
  }

  /** Notes what goes of a folder, and returns what has to stay. */
  async #count(name: string, executorId: string, reason: string): Promise<ReadonlySet<string>> {
    const { storage, signal } = this.#context;
    const prefix = `${nodeKey(this.#cluster, executorId, name)}/`;
    const needed = await this.#needed(name);
    await refuseRetained(storage, [prefix], { keep: needed, signal });
    let files = 0;
    for await (const { key } of storage.list(prefix)) if (!needed.has(key)) files += 1;
    // Others need what is left of it.
    if (files === 0 && [...needed].some((key) => key.startsWith(prefix))) return needed;
    const bytes = files === 0 ? 0 : await storage.ownBytes(prefix, { signal, shared: needed });
    this.found({ path: prefix, files, bytes, reason });
    return needed;
  }

  async #needed(name: string): Promise<ReadonlySet<string>> {
    return this.#known.references.into(name, this.#context.signal);
  }
}
