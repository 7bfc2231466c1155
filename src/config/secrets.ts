import { readFileSync } from 'node:fs';
import { wrapError } from '../errors.ts';

/**
 * The API's bearer token. There is no option for it, because command lines are public. Null when there is none; throws
 * BAD_REQUEST when the file cannot be read.
 */
export function apiToken(env: NodeJS.ProcessEnv): string | null {
  return secretOf(env, 'CASSANDRA_MESOS_TOKEN');
}

/** The secret of `--principal`; DEFAULT_SECRET is the forerunner's name. */
export function mesosSecret(env: NodeJS.ProcessEnv): string | null {
  return secretOf(env, 'MESOS_SECRET') ?? (env['DEFAULT_SECRET'] || null);
}

/** A secret comes as the variable NAME or as the content of the file that NAME_FILE names. */
function secretOf(env: NodeJS.ProcessEnv, name: string): string | null {
  const file = env[`${name}_FILE`];
  if (!file) return env[name] || null;
  try {
    return readFileSync(file, 'utf8').trim() || null;
  } catch (error) {
    throw wrapError(`read the secret of ${name}_FILE`, error, 'BAD_REQUEST');
  }
}
