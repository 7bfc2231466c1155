import { readFileSync } from 'node:fs';
import { OperatorError, wrapError } from '../errors.ts';

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

/** Where and how the end of a job is told. */
export interface WebhookTarget {
  url: URL;
  /** What deliveries are signed with; null: nothing. */
  secret: string | null;
}

/**
 * Where to tell the end of each job. Such URLs are secrets themselves (whoever knows it can post there), so it comes like
 * one. Null when there is none; throws BAD_REQUEST without saying more of it than what it lacks.
 */
export function webhookTarget(env: NodeJS.ProcessEnv): WebhookTarget | null {
  const text = secretOf(env, 'CASSANDRA_WEBHOOK_URL');
  const secret = secretOf(env, 'CASSANDRA_WEBHOOK_SECRET');
  if (text === null) {
    if (secret === null) return null;
    throw new OperatorError('BAD_REQUEST', 'Expected CASSANDRA_WEBHOOK_URL for CASSANDRA_WEBHOOK_SECRET, got none');
  }
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return { url, secret };
  throw new OperatorError('BAD_REQUEST', 'Expected an http or https URL in CASSANDRA_WEBHOOK_URL, got another text');
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
