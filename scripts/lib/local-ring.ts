import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as timer } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../src/bin/cli.ts', import.meta.url));

export interface RingOptions {
  nodes: number;
  /** Port of the REST API. */
  port: number;
  /** Directory of everything that the ring keeps. */
  data: string;
  /** Further arguments of `cassandra-mesos local`. */
  args?: string[];
  env?: Record<string, string>;
}

/** A node may take a minute to drain and stop. */
const STOP_TIMEOUT_MS = 180_000;

/** JSON of one node in /node/all, as far as the helpers read it. */
export interface NodeJson {
  executorId: string;
  ip: string | null;
  agentId: string | null;
  targetRunState: string;
  serverState: string;
  launches: number;
  replaces: string | null;
  reservation: { made: boolean } | null;
  volumes: { id: string; containerPath: string }[];
  pendingChanges: Record<string, { from: unknown; to: unknown }>;
  healthCheckDetails: { operationMode: string; hostId: string } | null;
}

/** A ring that `cassandra-mesos local` runs as a process of its own. */
export class LocalRing {
  readonly url: string;
  readonly options: RingOptions;
  #process: ChildProcess | null = null;

  constructor(options: RingOptions) {
    this.options = options;
    this.url = `http://127.0.0.1:${options.port}`;
  }

  /** A ring that another process started and will stop. */
  static attach(options: RingOptions): LocalRing {
    return new LocalRing(options);
  }

  /** Address of the first node. */
  get address(): string {
    const args = this.options.args ?? [];
    const index = args.indexOf('--address');
    return (index < 0 ? undefined : args[index + 1]) ?? '127.0.0.1';
  }

  /** Starts the ring, or the same ring again, with other settings; its output goes to `local.log` in the data directory. */
  async start(settings: string[] = []): Promise<void> {
    const { nodes, port, data, args = [], env = {} } = this.options;
    await mkdir(data, { recursive: true });
    const log = createWriteStream(join(data, 'local.log'), { flags: 'a' });
    const all = [CLI, 'local', '--nodes', `${nodes}`, '--port', `${port}`, '--data', data, ...args, ...settings];
    const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#process = child;
  }

  get pid(): number {
    if (this.#process?.pid === undefined) throw new Error('the ring does not run');
    return this.#process.pid;
  }

  /** Pid of the scheduler that `local` supervises. */
  get schedulerPid(): number {
    return Number(readFileSync(join(this.options.data, 'scheduler.pid'), 'utf8'));
  }

  /** Waits until the ring is healthy; `onNodes` is called with every new count of NORMAL nodes. */
  async ready(timeoutMs: number, onNodes: (normal: number) => void = () => undefined): Promise<void> {
    let shown = -1;
    await this.until('the ring is healthy', timeoutMs, async () => {
      const nodes = await this.nodes().catch(() => []);
      const normal = nodes.filter((node) => node.healthCheckDetails?.operationMode === 'NORMAL').length;
      if (normal !== shown) onNodes((shown = normal));
      if (normal < this.options.nodes) return false;
      return (await fetch(`${this.url}/health/cluster`)).ok;
    });
  }

  /** The members of the ring. */
  async nodes(): Promise<NodeJson[]> {
    const { body } = await this.get('/node/all');
    return (body as { nodes: NodeJson[] }).nodes;
  }

  /** Nodes that were replaced or removed, as long as something of them is left. */
  async formerNodes(): Promise<NodeJson[]> {
    const { body } = await this.get('/node/all');
    return (body as { formerNodes: NodeJson[] }).formerNodes;
  }

  async get(path: string): Promise<{ status: number; body: unknown }> {
    const response = await fetch(this.url + path);
    return { status: response.status, body: await response.json() };
  }

  async post(path: string): Promise<{ status: number; body: unknown }> {
    return this.request('POST', path);
  }

  async request(method: 'POST' | 'PUT' | 'DELETE', path: string): Promise<{ status: number; body: unknown }> {
    const response = await fetch(this.url + path, { method });
    return { status: response.status, body: await response.json() };
  }

  /** Polls until `check` holds. Fails with what was waited for, or when the ring's process has ended. */
  async until(what: string, timeoutMs: number, check: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(await check())) {
      if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s in vain until ${what}`);
      if (this.#process?.exitCode != null) {
        throw new Error(`the ring ended with exit code ${this.#process.exitCode}; see local.log in its data directory`);
      }
      await timer(200);
    }
  }

  /** As a crash ends it: the nodes go on, and the next start finds them. */
  async crash(): Promise<void> {
    const child = this.#process;
    if (!child?.kill('SIGKILL')) throw new Error('the ring does not run');
    await once(child, 'exit', { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) });
  }

  /** Stops everything that the ring started, as Ctrl-C does. Throws when that takes too long. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGINT');
    await once(child, 'exit', { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) });
  }
}
