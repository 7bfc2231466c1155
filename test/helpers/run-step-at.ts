import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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
  try {
    return await runStepOn(new DirectoryNode([join(work, 'data')]), location, change);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The same on a node with data. */
export async function runStepOn(
  node: DirectoryNode,
  location: string,
  change: Partial<StepRequest>,
): Promise<StepOutcome> {
  const work = dirname(node.dataDirectories[0] ?? '');
  const pool = createCopyPool(1);
  try {
    return await runStep(
      stepRequest({ ...change, location }),
      { current: new DirectoryServer(node, [join(work, 'staging')]), ip: '127.0.0.1' },
      new Reporter(change.executorId ?? EXECUTOR_ID, systemClock),
      new AbortController().signal,
      {
        openStorage: (url, how) => openStorage(url, { pool, baseDirectory: work, ...how }),
        pool,
        hostname: 'localhost',
        clock: systemClock,
        log: createLogger('test', 'silent'),
      },
    );
  } finally {
    await pool.close();
  }
}

/** What of a node with data lasts beside its data directory: its schema. */
const SCHEMA = 'schema.json';

/** A node whose data lies in a directory where `leaveNode` has left it. */
export function nodeIn(work: string): DirectoryNode {
  const node = new DirectoryNode([join(work, 'data')]);
  Object.assign(node.schemaNow, JSON.parse(readFileSync(join(work, SCHEMA), 'utf8')));
  node.restart();
  return node;
}

export function leaveNode(node: DirectoryNode): void {
  writeFileSync(join(dirname(node.dataDirectories[0] ?? ''), SCHEMA), JSON.stringify(node.schemaNow));
}
