import { tableOf } from '../model/backup-summary.ts';
import type { InspectionReport } from '../model/step.ts';

/** Of more bad files of a table, and of more files that nobody names, there is the number. */
const NAMED = 20;

/** Gathers what is found, without growing beyond what a report can hold. */
export class Inspection {
  readonly #report: InspectionReport;
  readonly #named = new Map<string, number>();

  constructor(recordSha256: string) {
    this.#report = { recordSha256, files: 0, damagedFiles: 0, damaged: [], extraFiles: 0, extra: [] };
  }

  get report(): InspectionReport {
    return structuredClone(this.#report);
  }

  get damagedFiles(): number {
    return this.#report.damagedFiles;
  }

  inspected(files: number): void {
    this.#report.files += files;
  }

  damaged(executorId: string | null, path: string, problem: string): void {
    // Every node finds what is wrong with the whole backup; its job counts it once.
    if (executorId !== null) this.#report.damagedFiles += 1;
    const place = `${executorId} ${tableOf(path)}`;
    const named = this.#named.get(place) ?? 0;
    this.#named.set(place, named + 1);
    if (named < NAMED) this.#report.damaged.push({ executorId, path, problem });
  }

  extra(executorId: string, path: string): void {
    this.#report.extraFiles += 1;
    if (this.#report.extra.length < NAMED) this.#report.extra.push({ executorId, path });
  }
}
