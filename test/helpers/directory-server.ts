import { dirname, join } from 'node:path';
import type { OperatorError } from '../../src/errors.ts';
import type { Server } from '../../src/executor/server.ts';
import type { DirectoryNode } from './directory-node.ts';

/** A Server whose process is only thought of: it ends when it is told to. */
export class DirectoryServer implements Server {
  readonly node: DirectoryNode;
  readonly stagingDirectories: string[];
  readonly exited: Promise<string>;
  readonly stops: { drain: boolean; graceMs: number }[] = [];
  /** What `ready` waits for. */
  whenReady: Promise<void> = Promise.resolve();
  readonly #exit: (how: string) => void;

  constructor(node: DirectoryNode, stagingDirectories: string[]) {
    this.node = node;
    this.stagingDirectories = stagingDirectories;
    const exit = deferred<string>();
    this.exited = exit.promise;
    this.#exit = exit.resolve;
  }

  get digestDirectory(): string {
    return join(dirname(this.node.dataDirectories[0] ?? ''), 'digests');
  }

  get uploadsDirectory(): string {
    return join(dirname(this.node.dataDirectories[0] ?? ''), 'uploads');
  }

  get dataDirectories(): string[] {
    return this.node.dataDirectories;
  }

  /** The process dies. */
  die(how: string): void {
    this.#exit(how);
  }

  async ready(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as OperatorError), { once: true });
    });
    await Promise.race([this.whenReady, aborted]);
  }

  lastErrors(): Promise<string> {
    return Promise.resolve('ERROR OutOfMemoryError');
  }

  stop(options: { drain: boolean; graceMs: number }): Promise<void> {
    this.stops.push(options);
    this.#exit('exit code 143');
    return Promise.resolve();
  }
}

/** A promise to be resolved from outside. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  const parts: { resolve?: (value: T) => void } = {};
  const promise = new Promise<T>((resolve) => {
    parts.resolve = resolve;
  });
  return { promise, resolve: (value) => parts.resolve?.(value) };
}
