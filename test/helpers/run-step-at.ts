import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { Reporter } from '../../src/executor/report.ts';
import { runStep, type StepOutcome } from '../../src/executor/run-step.ts';
import { createLogger } from '../../src/log.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { createCopyPool } from '../../src/storage/copy-pool.ts';
import { openStorage } from '../../src/storage/open.ts';
import { DirectoryNode } from './directory-node.ts';
import { DirectoryServer } from './directory-server.ts';
import { EXECUTOR_ID, stepRequest } from './step-context.ts';

/** Does a step as an executor does, on a node without data, at a location that is a directory. */
export async function runStepAt(location: string, change: Partial<StepRequest>): Promise<StepOutcome> {
  const work = mkdtempSync(join(tmpdir(), 'step-'));
  const pool = createCopyPool(1);
  const node = new DirectoryNode([join(work, 'data')]);
  try {
    return await runStep(
      stepRequest({ ...change, location }),
      { current: new DirectoryServer(node, [join(work, 'staging')]), ip: '127.0.0.1' },
      new Reporter(change.executorId ?? EXECUTOR_ID, systemClock),
      new AbortController().signal,
      {
        openStorage: (url, create) => openStorage(url, { pool, baseDirectory: work, create }),
        pool,
        hostname: 'localhost',
        clock: systemClock,
        log: createLogger('test', 'silent'),
      },
    );
  } finally {
    await pool.close();
    rmSync(work, { recursive: true, force: true });
  }
}
