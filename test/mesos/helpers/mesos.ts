import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createLogger, type Logger } from '../../../src/log.ts';
import type { FrameworkInfo } from '../../../src/mesos/types.ts';
import { EmbeddedMesos, type EmbeddedMesosOptions } from '../../../src/local/embedded-mesos.ts';
import { TestScheduler } from './scheduler.ts';

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

/** The master that the suite speaks to: MESOS_MASTER (`http://host:port`), or an embedded one. */
async function master(t: ExecutionContext): Promise<string> {
  return process.env['MESOS_MASTER'] ?? (await embedded(t)).url;
}

/** A subscribed framework of the test's own; torn down afterwards, with its executors. */
export async function subscribed(
  t: ExecutionContext,
  { url, ...info }: Partial<FrameworkInfo> & { url?: string } = {},
): Promise<{ scheduler: TestScheduler; url: string }> {
  const at = url ?? (await master(t));
  const scheduler = await TestScheduler.subscribe(at, info);
  t.teardown(async () => {
    await scheduler.call({ type: 'TEARDOWN' });
    scheduler.disconnect();
  });
  return { scheduler, url: at };
}
