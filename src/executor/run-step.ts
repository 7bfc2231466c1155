import type { Clock } from '../clock.ts';
import { messageOf, OperatorError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { PhaseName } from '../model/phase.ts';
import type { StepReport, StepRequest } from '../model/step.ts';
import type { CopyPool } from '../storage/copy-pool.ts';
import type { Storage } from '../storage/storage.ts';
import { nodeAdopt } from './node-adopt.ts';
import { nodeBackup } from './node-backup.ts';
import { nodeCheck } from './node-check.ts';
import { nodeClean } from './node-clean.ts';
import { nodeCleanup } from './node-cleanup.ts';
import { nodeCommit } from './node-commit.ts';
import { nodeConfirm } from './node-confirm.ts';
import { nodeDecommission } from './node-decommission.ts';
import { nodeDelete } from './node-delete.ts';
import { nodeInspect } from './node-inspect.ts';
import { nodeLoad } from './node-load.ts';
import { nodePreflight, promptly } from './node-preflight.ts';
import { nodePrune } from './node-prune.ts';
import { nodeRemovenode } from './node-removenode.ts';
import { nodeRename } from './node-rename.ts';
import { nodeRepair } from './node-repair.ts';
import { nodeSnapshot } from './node-snapshot.ts';
import { nodeStage } from './node-stage.ts';
import { nodeSweep } from './node-sweep.ts';
import { nodeTruncate } from './node-truncate.ts';
import { nodeVerify } from './node-verify.ts';
import { openLocation, type OpenStorage } from './open-location.ts';
import type { Reporter } from './report.ts';
import type { Server } from './server.ts';
import type { NodeContext, StepContext } from './step-context.ts';
import { withLock } from './with-lock.ts';

const STORAGE_STEPS = {
  preflight: nodePreflight,
  snapshot: nodeSnapshot,
  backup: (context) => (context.request.type === 'ADOPT' ? nodeAdopt(context) : nodeBackup(context)),
  confirm: nodeConfirm,
  commit: nodeCommit,
  check: nodeCheck,
  stage: nodeStage,
  truncate: nodeTruncate,
  inspect: nodeInspect,
  delete: nodeDelete,
  prune: nodePrune,
  rename: nodeRename,
  sweep: nodeSweep,
} satisfies Partial<Record<PhaseName, (context: StepContext) => Promise<void>>>;

/** Those that open no location: they have nothing to do with a backup, or all of it is here. */
const NODE_STEPS = {
  verify: nodeVerify,
  clean: nodeClean,
  repair: nodeRepair,
  decommission: nodeDecommission,
  removenode: nodeRemovenode,
} satisfies Partial<Record<PhaseName, (context: NodeContext) => Promise<void>>>;

function isIn<Steps extends object>(phase: PhaseName, steps: Steps): phase is PhaseName & keyof Steps {
  return Object.hasOwn(steps, phase);
}

/** One that was leaving when its task was lost is to go on leaving; and a location is there whatever Cassandra says. */
const NOT_NORMAL: ReadonlySet<PhaseName> = new Set(['preflight', 'decommission']);

export interface StepDependencies {
  openStorage: OpenStorage;
  pool: CopyPool;
  hostname: string;
  clock: Clock;
  log: Logger;
}

export interface StepOutcome {
  state: 'TASK_FINISHED' | 'TASK_FAILED' | 'TASK_KILLED';
  message: string;
  report: StepReport;
}

/**
 * Does one step to its outcome. Never rejects. The step ends as soon as `killed` aborts, or Cassandra does; its own
 * cleaning up is done by then.
 */
export async function runStep(
  request: StepRequest,
  server: { current: Server | null; ip: string },
  reporter: Reporter,
  killed: AbortSignal,
  deps: StepDependencies,
): Promise<StepOutcome> {
  try {
    const { current, ip } = server;
    if (current === null) throw unavailable('Cassandra is not running on this node, or not NORMAL yet');
    const { node, dataDirectories, stagingDirectories, digestDirectory } = current;
    const places = { dataDirectories, stagingDirectories, digestDirectory };
    const context = { ...deps, ...places, request, node, ip, reporter, signal: killed };
    if (request.phase === 'cleanup') await endedBy(killed, nodeCleanup(context));
    else await work(context, current, deps);
    return { state: 'TASK_FINISHED', message: '', report: reporter.report };
  } catch (error) {
    reporter.decided(error);
    const state = killed.aborted && error === killed.reason ? 'TASK_KILLED' : 'TASK_FAILED';
    return { state, message: messageOf(error), report: reporter.report };
  }
}

/** Does what a phase is there for, with its preconditions: a Cassandra that is NORMAL and stays, and where needed the location. */
async function work(context: NodeContext, server: Server, deps: StepDependencies): Promise<void> {
  const { phase, preflightDue } = context.request;
  const gone = new AbortController();
  server.exited.then(
    (how) => gone.abort(unavailable(`Cassandra exited with ${how} during the step`)),
    (error: unknown) => gone.abort(error),
  );
  const signal = AbortSignal.any([context.signal, gone.signal]);
  if (!NOT_NORMAL.has(phase)) await requireNormal(server, signal);
  if (isIn(phase, NODE_STEPS)) return endedBy(signal, NODE_STEPS[phase]({ ...context, signal }));
  if (phase === 'load') return endedBy(signal, load({ ...context, signal }, deps));
  if (!isIn(phase, STORAGE_STEPS)) {
    throw new OperatorError('INTERNAL', `this executor does not know the phase ${phase}`);
  }
  const isPreflight = phase === 'preflight';
  const atLocation = async (until: AbortSignal): Promise<void> => {
    const { uploadsDirectory } = server;
    const storage = await openLocation(context.request, (location, how) =>
      deps.openStorage(location, { ...how, uploadsDirectory }),
    );
    until.throwIfAborted();
    await withLock(
      { ...context, storage, signal: until },
      preflightDue ? afterPreflight(STORAGE_STEPS[phase]) : STORAGE_STEPS[phase],
    );
  };
  await endedBy(signal, isPreflight ? promptly({ ...context, signal }, atLocation) : atLocation(signal));
}

/** Tables are empty, and all that belongs into them is staged: a location that cannot be opened any more is only not let go of. */
async function load(context: NodeContext, deps: StepDependencies): Promise<void> {
  let storage: Storage;
  try {
    storage = await deps.openStorage(context.request.location, { create: false, patient: false });
  } catch (error) {
    context.log.warn({ err: error }, 'the location cannot be opened: what was staged is loaded all the same');
    return nodeLoad(context);
  }
  return withLock({ ...context, storage }, nodeLoad);
}

function afterPreflight(step: (context: StepContext) => Promise<void>) {
  return async (context: StepContext): Promise<void> => {
    await nodePreflight(context);
    await step(context);
  };
}

/** The reason for which a step was ended says more than what it broke in the step. */
async function endedBy(signal: AbortSignal, step: Promise<void>): Promise<void> {
  try {
    await step;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

async function requireNormal({ node }: Server, signal: AbortSignal): Promise<void> {
  const { operationMode } = await node.health(signal);
  if (operationMode !== 'NORMAL') throw unavailable(`expected Cassandra to be NORMAL, it is ${operationMode}`);
}

function unavailable(message: string): OperatorError {
  return new OperatorError('CASSANDRA_UNAVAILABLE', message);
}
