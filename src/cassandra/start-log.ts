import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { cassandraErrors, jvmErrors, lastLines } from './error-lines.ts';

/** More than any start writes; an old log may be much longer. */
const TAIL_BYTES = 256 * 1024;

/** What one start of Cassandra wrote: its system.log from there on, and the JVM's own output. */
export class StartLog {
  readonly #directory: string;
  readonly #start: number;

  private constructor(directory: string, start: number) {
    this.#directory = directory;
    this.#start = start;
  }

  /** Remembers where system.log ends now. */
  static async begin(directory: string): Promise<StartLog> {
    const { size } = await readTail(systemLog(directory), 0);
    return new StartLog(directory, size);
  }

  /** File for the JVM's stdout and stderr: what it says before there is a log. */
  static outputFile(directory: string): string {
    return join(directory, 'output.log');
  }

  get hint(): string {
    return `Cassandra's log is ${systemLog(this.#directory)}`;
  }

  /** Why it failed: the JVM's words and Cassandra's; where neither names an error, the last that was logged. */
  async errors(): Promise<string> {
    const log = (await readTail(systemLog(this.#directory), this.#start)).text;
    const output = (await readTail(StartLog.outputFile(this.#directory), 0)).text;
    const errors = [...jvmErrors(output), ...cassandraErrors(log)];
    return lastLines(errors.length > 0 ? errors : [...output.split('\n'), ...log.split('\n')]);
  }
}

function systemLog(directory: string): string {
  return join(directory, 'system.log');
}

/** The end of a file, not before `from` unless the file was rolled meanwhile. A missing file is empty. */
async function readTail(path: string, from: number): Promise<{ text: string; size: number }> {
  const file = await open(path).catch((error: unknown) => {
    if ((error as { code?: unknown } | null)?.code === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return { text: '', size: 0 };
  try {
    const { size } = await file.stat();
    const start = Math.max(size < from ? 0 : from, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - start), position: start });
    return { text: buffer.toString('utf8', 0, bytesRead), size };
  } finally {
    await file.close();
  }
}
