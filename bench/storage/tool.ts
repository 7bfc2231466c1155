import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { BenchStore } from './stores.ts';

export type Direction = 'up' | 'down';

export interface Job {
  store: BenchStore;
  folder: string;
  /** Of the files. */
  names: string[];
}

/** Something that brings a folder into a store and back. */
export interface Tool {
  name: string;
  command(direction: Direction, job: Job): string[];
  env?(job: Job): Record<string, string>;
}

/** What it took: wall and processor seconds, peak memory of its largest process. */
export interface Taken {
  seconds: number;
  cpu: number;
  mib: number;
}

/** Runs it once. Throws where it failed. */
export function run(tool: Tool, direction: Direction, job: Job): Taken {
  const command = tool.command(direction, job);
  const env = { ...process.env, ...tool.env?.(job) };
  const text = execFileSync('python3', [join(import.meta.dirname, 'timed.py'), ...command], { env, encoding: 'utf8' });
  const { code, ...taken } = JSON.parse(text) as Taken & { code: number };
  if (code !== 0) throw new Error(`${tool.name} ${direction} ended with ${code}`);
  return taken;
}
