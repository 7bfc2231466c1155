import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { statusField } from '../ring.ts';
import { ask } from './rest.ts';

const CLI = fileURLToPath(new URL('../../src/bin/cli.ts', import.meta.url));
const TICKS_A_SECOND = 100;

export interface SchedulerOptions {
  directory: string;
  master: string;
  port: number;
  nodes: number;
  healthSeconds: number;
  /** Options of Node, for example to profile it. */
  execArgv: string[];
  /** Left out: of the nodes, nothing is there for the scheduler to see. */
  backupDirectory?: string;
}

/** The program's own scheduler in a process of its own. */
export class SchedulerProcess {
  readonly #options: SchedulerOptions;
  #child: ChildProcess | null = null;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  start(): void {
    const { directory, master, port, nodes, healthSeconds, execArgv } = this.#options;
    const { backupDirectory = '/no/such/directory/of-the-scale-bench' } = this.#options;
    const log = openSync(join(directory, 'scheduler.log'), 'a');
    const options = {
      master,
      port,
      'node-count': nodes,
      'cluster-name': 'scale',
      'state-directory': join(directory, 'state'),
      'backup-directory': backupDirectory,
      'data-directory': '/no/such/directory/of-the-scale-bench',
      'health-interval': healthSeconds,
      'log-level': 'warn',
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    // Supervised: it ends with this process, however that dies.
    const command = [...execArgv, CLI, 'scheduler', '--supervised', '--executor-on-agents', ...args];
    this.#child = spawn(process.execPath, command, { stdio: ['pipe', log, log] });
  }

  /** Rejects when it ends, with its own words. */
  async ended(): Promise<never> {
    if (this.#child) await once(this.#child, 'exit');
    throw new Error(`the scheduler has ended: ${this.#log()}`);
  }

  /** Ends it as a crash does, or lets it end in order. */
  async stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  get pid(): number {
    const { pid, exitCode } = this.#child ?? {};
    if (pid === undefined || exitCode !== null) {
      throw new Error(
        `the scheduler has ended: ${readFileSync(join(this.#options.directory, 'scheduler.log'), 'utf8')}`,
      );
    }
    return pid;
  }

  /** CPU time since its start, user and system. */
  get cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  }

  /** Resident memory, in MiB. */
  get rssMib(): number {
    return Number(statusField(this.pid, 'VmRSS')) / 1024;
  }

  async post(path: string): Promise<void> {
    await ask(this.#options.port, 'POST', path);
  }

  async get(path: string): Promise<unknown> {
    return JSON.parse(await ask(this.#options.port, 'GET', path));
  }

  #log(): string {
    return readFileSync(join(this.#options.directory, 'scheduler.log'), 'utf8');
  }
}
