import type { Clock } from '../clock.ts';
import { messageOf, OperatorError } from '../errors.ts';
import type {
  CheckReport,
  DeletionReport,
  PruneReport,
  SweepReport,
  RenameReport,
  InspectionReport,
  JobError,
  KeyspaceReport,
  ManifestReport,
  StepReport,
  TableReport,
} from '../model/step.ts';
import { emptyReport } from '../model/step.ts';
import { withHint } from './open-location.ts';

/** Adds up what a step has done. Knows no I/O: whoever wants to send it takes `report`. */
export class Reporter {
  readonly #executorId: string;
  readonly #clock: Clock;
  readonly #report = emptyReport();
  readonly #begun = new Map<string, number>();
  /** What was thrown, in the order of the report's errors: the same one is not reported again on its way up. */
  readonly #order: unknown[] = [];

  constructor(executorId: string, clock: Clock) {
    this.#executorId = executorId;
    this.#clock = clock;
  }

  /** A copy of all that is known so far. */
  get report(): StepReport {
    const report = structuredClone(this.#report);
    for (const [keyspace, begun] of this.#begun) {
      const entry = report.keyspaces[keyspace];
      if (entry !== undefined) entry.durationMillis = this.#clock.now() - begun;
    }
    return report;
  }

  /** Names the keyspaces ahead, in the order in which they will be worked on. */
  plan(keyspaces: readonly string[]): void {
    this.#report.remainingKeyspaces = [...keyspaces];
  }

  /** Sets what the whole step comes to; called again when an estimate turns out better. */
  expect(total: { bytes: number; files: number | null }): void {
    this.#report.bytesTotal = Math.max(total.bytes, this.#report.bytesDone);
    this.#report.filesTotal = total.files;
  }

  moved(bytes: number): void {
    this.#report.bytesDone += bytes;
    if (this.#report.bytesTotal !== null && this.#report.bytesDone > this.#report.bytesTotal) {
      this.#report.bytesTotal = this.#report.bytesDone;
    }
  }

  /** Names the file or table at work. */
  current(name: string | null): void {
    this.#report.current = name;
  }

  /** From here on the time counts for `keyspace`. */
  begin(keyspace: string): void {
    this.#begun.set(keyspace, this.#clock.now());
  }

  /** Counts files of a table that are done, one by one or an SSTable at a time. */
  filesDone(keyspace: string, table: string, { files, bytes }: { files: number; bytes: number }): void {
    const entry = this.#table(keyspace, table);
    entry.files += files;
    entry.bytes += bytes;
    this.#keyspace(keyspace).bytes += bytes;
    this.#report.filesDone += files;
  }

  /** Counts files of a table that were not at the location yet; none to say that this is counted. */
  sent(keyspace: string, table: string, { files, bytes }: { files: number; bytes: number }): void {
    for (const entry of [this.#table(keyspace, table), this.#keyspace(keyspace), this.#report]) {
      entry.filesSent = (entry.filesSent ?? 0) + files;
      entry.bytesSent = (entry.bytesSent ?? 0) + bytes;
    }
  }

  /** Mentions a table, also one without files, and sets what is known of it. */
  table(keyspace: string, table: string, known: Partial<TableReport> = {}): void {
    Object.assign(this.#table(keyspace, table), known);
  }

  /** Mentions a keyspace, also one without tables, and returns what is known of it. */
  keyspace(keyspace: string): KeyspaceReport {
    const entry = this.#keyspace(keyspace);
    const begun = this.#begun.get(keyspace);
    return {
      ...structuredClone(entry),
      durationMillis: begun === undefined ? entry.durationMillis : this.#clock.now() - begun,
    };
  }

  succeeded(keyspace: string): void {
    this.#end(keyspace);
  }

  failed(keyspace: string, error: unknown): void {
    const table = tableOf(error);
    if (table !== null) this.#table(keyspace, table).error = messageOf(error);
    const entry = this.#keyspace(keyspace);
    entry.status = 'FAILURE';
    entry.error = messageOf(error);
    this.#end(keyspace);
    this.error(error, keyspace, table);
  }

  error(error: unknown, keyspace: string | null = null, table: string | null = null): void {
    if (this.#order.includes(error)) return;
    this.#order.push(error);
    this.#report.errors.push(toJobError(this.#executorId, error, keyspace, table));
  }

  /** Puts the error that ended the step in front of those it lived through: whether to try again hangs on that one. */
  decided(error: unknown): void {
    const position = this.#order.findIndex((reported) => reported === error);
    if (position < 0) this.error(error);
    const from = position < 0 ? this.#order.length - 1 : position;
    this.#order.unshift(...this.#order.splice(from, 1));
    this.#report.errors.unshift(...this.#report.errors.splice(from, 1));
  }

  manifest(manifest: ManifestReport): void {
    this.#report.manifest = manifest;
  }

  inspection(inspection: InspectionReport): void {
    this.#report.inspection = inspection;
  }

  deletion(deletion: DeletionReport): void {
    this.#report.deletion = deletion;
  }

  rename(rename: RenameReport): void {
    this.#report.rename = rename;
  }

  prune(prune: PruneReport): void {
    this.#report.prune = prune;
  }

  sweep(sweep: SweepReport): void {
    this.#report.sweep = sweep;
  }

  resumed(resumed: NonNullable<StepReport['resumed']>): void {
    this.#report.resumed = resumed;
  }

  check(check: CheckReport): void {
    this.#report.check = check;
  }

  /** Takes over what an earlier attempt of the same step has reported of a keyspace. */
  restore(keyspace: string, report: KeyspaceReport): void {
    this.#begun.delete(keyspace);
    this.#report.keyspaces[keyspace] = structuredClone(report);
    for (const table of Object.values(report.tables)) this.#report.filesDone += table.files;
    this.moved(report.bytes);
    this.#report.filesSent = (this.#report.filesSent ?? 0) + (report.filesSent ?? 0);
    this.#report.bytesSent = (this.#report.bytesSent ?? 0) + (report.bytesSent ?? 0);
    this.#end(keyspace);
  }

  #end(keyspace: string): void {
    const begun = this.#begun.get(keyspace);
    const entry = this.#keyspace(keyspace);
    if (begun !== undefined) entry.durationMillis = this.#clock.now() - begun;
    this.#begun.delete(keyspace);
    this.#report.remainingKeyspaces = this.#report.remainingKeyspaces.filter((name) => name !== keyspace);
    this.#report.current = null;
  }

  #keyspace(keyspace: string): KeyspaceReport {
    return (this.#report.keyspaces[keyspace] ??= {
      status: 'SUCCESS',
      durationMillis: 0,
      bytes: 0,
      error: null,
      tables: {},
    });
  }

  #table(keyspace: string, table: string): TableReport {
    return (this.#keyspace(keyspace).tables[table] ??= { files: 0, bytes: 0, error: null, safetySnapshot: null });
  }
}

/** How an operator reads whatever was thrown. */
export function toJobError(
  executorId: string,
  error: unknown,
  keyspace: string | null = null,
  table: string | null = tableOf(error),
): JobError {
  const code = error instanceof OperatorError ? error.code : 'INTERNAL';
  return { executorId, keyspace, table, code, message: messageOf(withHint(error)) };
}

/** Errors of a single table carry its name in their details. */
function tableOf(error: unknown): string | null {
  const table = error instanceof OperatorError ? error.details['table'] : undefined;
  return typeof table === 'string' ? table : null;
}
