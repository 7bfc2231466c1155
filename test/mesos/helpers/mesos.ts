import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createLogger, type Logger } from '../../../src/log.ts';
import type { FrameworkInfo } from '../../../src/mesos/types.ts';
import { EmbeddedMesos, type EmbeddedMesosOptions } from '../../../src/local/embedded-mesos.ts';
import { freePort } from '../../helpers/free-port.ts';
import { startFaultyWire, type FaultyWire } from '../../helpers/wire-faults.ts';
import { FAULTS, faultSeed } from './bad-wire.ts';
import { TestScheduler } from './scheduler.ts';
import { SteadyScheduler } from './steady-scheduler.ts';

/** A directory that is gone after the test. */
export async function temporaryDirectory(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'mesos-test-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Two agents, in a hurry. */
export function embeddedOptions(workDir: string, log: Logger): EmbeddedMesosOptions {
  const resources = { cpus: 4, mem: 8000, disk: 20_000, ports: [{ begin: 31_000, end: 32_000 }] };
  return {
    workDir,
    master: { host: '127.0.0.1', port: 0 },
    agents: ['127.0.0.1', '127.0.0.2'].map((ip, index) => ({
      hostname: ip,
      ip,
      port: 0,
      resources,
      attributes: { rack: `r${index + 1}`, zone: 'z1' },
    })),
    log,
    allocationIntervalMs: 50,
    updateResendMs: 500,
  };
}

/** An embedded Mesos with two agents; after the test nothing of it is left. */
export async function embedded(
  t: ExecutionContext,
  options: Partial<EmbeddedMesosOptions> = {},
): Promise<EmbeddedMesos> {
  const workDir = options.workDir ?? (await temporaryDirectory(t));
  const log = createLogger('embedded-mesos', process.env['LOG_LEVEL'] ?? 'silent');
  const mesos = await EmbeddedMesos.start({ ...embeddedOptions(workDir, log), ...options });
  t.teardown(() => mesos.stop({ killExecutors: true }));
  return mesos;
}

/** Bad wires so far: each spoils something else. */
let made = 0;

interface Master {
  url: string;
  /** Makes its wires good. */
  mend: () => void;
}

/** The master that the suite speaks to: MESOS_MASTER (`http://host:port`), or an embedded one; on bad wires when asked. */
async function master(t: ExecutionContext): Promise<Master> {
  const given = process.env['MESOS_MASTER'];
  const seed = faultSeed();
  if (seed === null) return { url: given ?? (await embedded(t)).url, mend: () => undefined };
  const wires: FaultyWire[] = [];
  const bad = async (target: string): Promise<FaultyWire> => {
    made += 1;
    const wire = await startFaultyWire(t, { target, faults: FAULTS, seed: seed * 1000 + made });
    wires.push(wire);
    return wire;
  };
  const { url } = await bad(given ?? (await embeddedOnBadWires(t, bad)).url);
  return { url, mend: () => wires.forEach((wire) => wire.set({})) };
}

/** Its executors reach their agents by such a wire each. */
async function embeddedOnBadWires(
  t: ExecutionContext,
  bad: (target: string) => Promise<FaultyWire>,
): Promise<EmbeddedMesos> {
  const agents = [];
  for (const agent of embeddedOptions('', createLogger('embedded', 'silent')).agents) {
    const port = await freePort();
    const { address: executorEndpoint } = await bad(`${agent.ip}:${port}`);
    agents.push({ ...agent, port, executorEndpoint });
  }
  return embedded(t, { agents, heartbeatMs: 500 });
}

/** A subscribed framework of the test's own; torn down afterwards, with its executors. */
export async function subscribed(
  t: ExecutionContext,
  { url, ...info }: Partial<FrameworkInfo> & { url?: string } = {},
): Promise<{ scheduler: TestScheduler; url: string }> {
  const at = url === undefined ? await master(t) : { url, mend: () => undefined };
  const scheduler = await (faultSeed() === null ? TestScheduler : SteadyScheduler).subscribe(at.url, info);
  t.teardown(async () => {
    at.mend();
    await scheduler.call({ type: 'TEARDOWN' });
    scheduler.disconnect();
  });
  return { scheduler, url: at.url };
}
