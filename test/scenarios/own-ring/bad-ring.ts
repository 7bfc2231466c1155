// A ring of two as `cassandra-mesos local` makes it, but with a faulty wire between the scheduler and the master, and one
// between each executor and its agent.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalRing } from '../../../scripts/lib/local-ring.ts';
import { LOCAL_DEFAULTS } from '../../../src/config/options.ts';
import type { AgentState } from '../../../src/local/agent-state.ts';
import { EmbeddedMesos } from '../../../src/local/embedded-mesos.ts';
import { createLogger } from '../../../src/log.ts';
import { startFaultyWire, type FaultyWire, type RecordFault, type WireFaults } from '../../helpers/wire-faults.ts';
import { environmentOf } from '../../local/processes.ts';
import { commandLine } from '../ring.ts';

const PORT = 18_500;
const IPS = ['127.0.60.1', '127.0.60.2'];
/** The addresses are this file's own, so that ports may be fixed. */
const AGENT_PORT = 5051;
const PORTS = [7000, 9042].map((port) => ({ begin: port, end: port }));
/** What Cassandra may take to drain and stop. */
const STOP_GRACE_MS = 60_000;

const RECORD_FAULTS: RecordFault[] = ['drop', 'cut', 'garbage', 'duplicate'];
/** On every wire all the time: it is slow, and what passes comes late. */
const SLOW: WireFaults = { delayMs: 15, bytesPerSecond: 200_000 };
/** Heartbeats, offers, updates, health: a connection lives for some seconds. */
const TO_MASTER: WireFaults = { ...SLOW, drop: 0.01, cut: 0.01, garbage: 0.01, duplicate: 0.05 };
/** Little passes from an agent to its executor, and all of it matters. */
const TO_AGENT: WireFaults = { ...SLOW, drop: 0.02, cut: 0.03, garbage: 0.03, duplicate: 0.3 };

interface Parts {
  scratch: string;
  masterWire: FaultyWire;
  agentWires: FaultyWire[];
  /** Ends Mesos and all wires. */
  end: () => Promise<void>;
}

export class BadRing {
  /** As the helpers of the other scenarios know it. */
  readonly ring: LocalRing;
  readonly #parts: Parts;
  #scheduler: ChildProcess | null = null;
  #stopped: Promise<void> | null = null;

  private constructor(parts: Parts) {
    this.#parts = parts;
    const args = ['--address', IPS[0] ?? ''];
    this.ring = LocalRing.attach({ nodes: IPS.length, port: PORT, data: parts.scratch, args });
  }

  /** With the wires bad from the beginning; the ring need not be there yet. */
  static async start(seed: number): Promise<BadRing> {
    const scratch = await mkdtemp(join(tmpdir(), 'cassandra-mesos-wire-'));
    const ends: (() => unknown)[] = [];
    const end = async (): Promise<void> => {
      // Executors hear by their wires that they are to end.
      for (const each of ends.toReversed()) await each();
    };
    try {
      const t = { teardown: (each: () => unknown) => void ends.push(each) };
      const wires = IPS.map((ip, index) =>
        startFaultyWire(t, { target: `${ip}:${AGENT_PORT}`, faults: TO_AGENT, seed: 3 * seed + 1 + index }),
      );
      const agentWires = await Promise.all(wires);
      const mesos = await startMesos(scratch, agentWires);
      ends.push(() => mesos.stop({ killExecutors: true }));
      const masterWire = await startFaultyWire(t, { target: mesos.url, faults: TO_MASTER, seed: 3 * seed });
      const ring = new BadRing({ scratch, masterWire, agentWires, end });
      await ring.startScheduler();
      return ring;
    } catch (error) {
      await end();
      await rm(scratch, { recursive: true });
      throw error;
    }
  }

  async startScheduler(): Promise<void> {
    const { scratch, masterWire } = this.#parts;
    const cli = new URL('../../../src/bin/cli.ts', import.meta.url).pathname;
    await mkdir(join(scratch, 'scheduler'), { recursive: true });
    const log = await open(join(scratch, 'scheduler.log'), 'a');
    try {
      const args = [cli, 'scheduler', ...schedulerArguments(scratch, masterWire.url)];
      this.#scheduler = spawn(process.execPath, args, { stdio: ['pipe', log.fd, log.fd] });
      await once(this.#scheduler, 'spawn');
    } finally {
      await log.close();
    }
  }

  async killScheduler(): Promise<void> {
    const scheduler = this.#scheduler;
    if (scheduler === null || scheduler.exitCode !== null || scheduler.signalCode !== null) return;
    scheduler.kill('SIGKILL');
    await once(scheduler, 'exit');
  }

  /** Resolves when each kind of fault has once more hit a record on every wire. */
  async struckByAll(): Promise<void> {
    const { masterWire, agentWires } = this.#parts;
    await Promise.all([masterWire, ...agentWires].flatMap((wire) => RECORD_FAULTS.map((fault) => wire.next(fault))));
  }

  /** Ids of the tasks with updates that Mesos has no acknowledgement for. */
  unacknowledged(): string[] {
    return globSync(join(this.#parts.scratch, 'mesos/agents/*/agent.json')).flatMap((file) => {
      const { tasks } = JSON.parse(readFileSync(file, 'utf8')) as AgentState;
      return tasks.filter(({ pending }) => pending.length > 0).map(({ info }) => info.taskId.value);
    });
  }

  /** Pids of all processes that were started for the ring. */
  processes(): string[] {
    const { scratch } = this.#parts;
    return globSync('/proc/[0-9]*/cmdline').flatMap((file) => {
      const pid = file.split('/')[2] ?? '';
      const { MESOS_SANDBOX: sandbox = '' } = environmentOf(Number(pid));
      return sandbox.startsWith(scratch) || commandLine(file).join(' ').includes(scratch) ? [pid] : [];
    });
  }

  /** By executor id what its runs have logged, the first run first. */
  executorLogs(): Map<string, LogLine[][]> {
    const runs = 'mesos/agents/*/work/slaves/*/frameworks/*/executors/*/runs/*/stderr';
    const logs = new Map<string, LogLine[][]>();
    for (const file of globSync(join(this.#parts.scratch, runs))) {
      const executorId = file.split('/').at(-4) ?? '';
      const lines = logLines(file);
      if (lines.length > 0) logs.set(executorId, [...(logs.get(executorId) ?? []), lines]);
    }
    for (const found of logs.values()) found.sort(([a], [b]) => (a?.time ?? 0) - (b?.time ?? 0));
    return logs;
  }

  /** Ids of the tasks of that job's phase whose steps have begun. */
  begun(jobId: number, phase: string): (string | undefined)[] {
    const lines = [...this.executorLogs().values()].flat(2);
    return lines
      .filter((line) => line.msg === 'step begins' && line.job === jobId && line.phase === phase)
      .map(({ task }) => task);
  }

  schedulerLog(): LogLine[] {
    return logLines(join(this.#parts.scratch, 'scheduler.log'));
  }

  /** Where its data and logs are. */
  get scratch(): string {
    return this.#parts.scratch;
  }

  /** Everything that was started has ended when it resolves. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    await this.killScheduler();
    // A SHUTDOWN that is lost would cost the whole grace period.
    for (const wire of this.#parts.agentWires) wire.set({});
    await this.#parts.end();
  }

  async delete(): Promise<void> {
    await rm(this.#parts.scratch, { recursive: true, force: true });
  }
}

/** A line of a program's log, as far as the tests read it. */
export interface LogLine {
  level: number;
  time: number;
  msg: string;
  task?: string;
  job?: number;
  phase?: string;
}

/** What is not JSON is a word of somebody else's. */
function logLines(file: string): LogLine[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as LogLine);
}

function startMesos(scratch: string, agentWires: FaultyWire[]): Promise<EmbeddedMesos> {
  return EmbeddedMesos.start({
    workDir: join(scratch, 'mesos'),
    master: { host: '127.0.0.1', port: 0 },
    agents: IPS.map((ip, index) => ({
      hostname: ip,
      ip,
      port: AGENT_PORT,
      executorEndpoint: agentWires[index]?.address ?? '',
      resources: { cpus: 4, mem: 4096, disk: 8192, ports: [...PORTS, jmxPorts(index)] },
    })),
    heartbeatMs: 1000,
    updateResendMs: 1000,
    executorShutdownGraceMs: STOP_GRACE_MS,
    log: createLogger('mesos', process.env['LOG_LEVEL'] ?? 'silent'),
  });
}

/** JMX and Jolokia of all nodes are on 127.0.0.1. */
function jmxPorts(index: number): { begin: number; end: number } {
  const begin = 18_510 + index * 10;
  return { begin, end: begin + 9 };
}

function schedulerArguments(scratch: string, master: string): string[] {
  return [
    '--supervised',
    '--executor-on-agents',
    `--master=${master}`,
    `--port=${PORT}`,
    `--state-directory=${join(scratch, 'scheduler')}`,
    `--backup-directory=${join(scratch, 'backup')}`,
    `--data-directory=${join(scratch, 'nodes')}`,
    `--node-count=${IPS.length}`,
    `--heap=${LOCAL_DEFAULTS.heap}`,
    `--health-interval=${LOCAL_DEFAULTS.healthInterval}`,
    `--jvm-options=${LOCAL_DEFAULTS.jvmOptions}`,
    '--mem=2048',
    '--disk=2048',
  ];
}
