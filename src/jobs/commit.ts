import type { ClusterJob, Phase, Step } from '../model/cluster-job.ts';
import { isSandboxLocation } from './catalogue.ts';

/** The record has some kB for each node: up to so many nodes, each is simply sent the whole. */
const SMALL_RING = 50;

/**
 * True for a step of `commit` that is sent the whole record, to write it. Nobody knows whether the nodes see one location or
 * each its own (docs/decisions/0003). In a big ring one node writes first, and the others only look whether the record
 * lies there; who does not find it is sent the record with the next attempt.
 */
export function isToWrite(job: ClusterJob, phase: Phase, step: Step): boolean {
  return step.attempt > 1 || !isFoundByOthers(job, phase) || !phase.steps.some(({ state }) => state === 'SUCCESS');
}

/** How many steps of the phase may be at work: of `commit` only one until the record lies somewhere. */
export function atOnce(job: ClusterJob, phase: Phase): number {
  if (phase.name !== 'commit' || !isFoundByOthers(job, phase)) return phase.concurrency;
  return phase.steps.some(({ state }) => state === 'SUCCESS') ? phase.concurrency : 1;
}

function isFoundByOthers({ location }: ClusterJob, { steps }: Phase): boolean {
  return steps.length > SMALL_RING && !isSandboxLocation(location ?? '');
}
