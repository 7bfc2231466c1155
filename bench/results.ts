import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** One measured thing by its name, in the unit that the name says. */
export type Figures = Record<string, number>;

/** The same of one round or step, and which it is. */
export type Row = Record<string, number | string>;

export interface Result {
  name: string;
  /** What was measured, in one sentence. */
  title: string;
  /** Sizes and numbers of rounds that it was measured with. */
  settings: Record<string, number | number[]>;
  rows: Row[];
  /** The figures that count, medians and ratios. */
  summary: Figures;
}

/** Prints a result as a table and keeps it in bench/results, without dates, so that only a change of figures is one. */
export function report({ title, name, ...result }: Result): void {
  console.log(`\n${title}`);
  console.table(result.rows);
  console.table(result.summary);
  const directory = new URL('results/', import.meta.url);
  mkdirSync(directory, { recursive: true });
  const document = { title, node: process.version, cpus: availableParallelism(), ...result };
  writeFileSync(new URL(`${name}.json`, directory), `${JSON.stringify(document, null, 2)}\n`);
}

export function median(values: number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Median of one column. */
export function medianOf(rows: Row[], column: string): number {
  return rounded(median(rows.map((row) => Number(row[column]))));
}

export function rounded(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}
