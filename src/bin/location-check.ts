import { access, constants } from 'node:fs/promises';
import { pause, type Clock } from '../clock.ts';
import { messageOf, OperatorError } from '../errors.ts';
import { isSandboxLocation } from '../jobs/catalogue.ts';
import type { LocationCheck } from '../model/location-check.ts';
import { checkLocation, isObjectStore, locationDirectory } from '../storage/open.ts';

/** Somebody waits for the answer. */
const CHECK_MS = 10_000;

/** Looks at a location by `list`, and says what came of it in 10 s at most. Throws BAD_REQUEST for what no node could open. */
export async function lookFromHere(
  location: string,
  list: () => Promise<unknown>,
  clock: Clock,
): Promise<LocationCheck> {
  checkLocation(location);
  const answered = new AbortController();
  try {
    if (isSandboxLocation(location)) throw inSandbox(location);
    await Promise.race([list(), deadline(location, clock, answered.signal)]);
    return { location, reachable: true, writable: isObjectStore(location) ? null : await mayWrite(location) };
  } catch (error) {
    return { location, reachable: false, writable: null, error: errorOf(error, location) };
  } finally {
    answered.abort();
  }
}

async function deadline(location: string, clock: Clock, answered: AbortSignal): Promise<never> {
  await pause(clock, CHECK_MS, answered);
  throw new OperatorError('TIMEOUT', `${location} did not answer within ${CHECK_MS / 1000} s`, {
    hint: 'Check the store, its file system, and the network between.',
  });
}

function inSandbox(location: string): OperatorError {
  return new OperatorError(
    'NOT_FOUND',
    `${location} is a directory in each node's own sandbox, which this host does not see`,
    {
      hint: 'Name a place that all nodes share: what is in a sandbox Mesos removes some day.',
    },
  );
}

async function mayWrite(location: string): Promise<boolean> {
  try {
    await access(locationDirectory(location, '/'), constants.W_OK);
    return true;
  } catch {
    // Whatever is in the way: it may be another user's on the nodes.
    return false;
  }
}

/** Who looks makes no bucket, but a backup does. */
function errorOf(error: unknown, location: string): LocationCheck['error'] & object {
  if (!(error instanceof OperatorError)) return { code: 'INTERNAL', message: messageOf(error) };
  const { code, message } = error;
  const isToBeMade = error.hint?.includes('createBucket=true') && /[?&]createBucket=true(?:&|$)/.test(location);
  const hint = isToBeMade ? 'The first backup makes it: createBucket=true.' : error.hint;
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}
