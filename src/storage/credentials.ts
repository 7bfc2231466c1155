import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatorError, wrapError } from '../errors.ts';
import { credentialIn, type GivenCredentials } from '../model/credentials.ts';
import { checkKey } from './layout.ts';

/** Where a process finds credentials. */
export interface CredentialPlaces {
  /** Variables of the process. */
  env: NodeJS.ProcessEnv;
  /** Directory of `secret:` references: the sandbox, where Mesos mounts secrets. */
  sandbox: string;
  /** Values that came with the request, by name; they come before every reference, and are kept in memory only. */
  given?: GivenCredentials | undefined;
}

/** Credentials that were found, by the names of the kind of store: `ACCESS_KEY_ID`, `ACCOUNT_KEY`, … */
export interface Credentials {
  /** In words, for messages: `the file /etc/keys`. */
  where: string;
  value(name: string): string | undefined;
  /** The whole text of a file or secret, or the variable `<prefix>CREDENTIALS`; null where there is none. */
  text: string | null;
}

/**
 * Looks up what a location's `credentials` refers to: `file:/path` and `secret:name` (a file of the sandbox) with lines `name = value`, or `env:PREFIX_`
 * for variables `PREFIX_<name>`. What came with the request goes before. Read afresh at each call: keys change. Null: nothing is referred
 * to, so the store's own chain of defaults is meant. Throws STORAGE_FAILED where a file cannot be read.
 */
export async function findCredentials(
  reference: string | null,
  { env, sandbox, given }: CredentialPlaces,
): Promise<Credentials | null> {
  if (given !== undefined)
    return { where: 'the request', value: (name) => given[name], text: given['CREDENTIALS'] ?? null };
  if (reference === null) return null;
  const [, kind = '', where = ''] = /^(\w+):(.*)$/s.exec(reference) ?? [];
  if (kind === 'env') {
    const value = (name: string): string | undefined => env[where + name];
    return { where: `${VARIABLES} ${where}… of the process`, value, text: value('CREDENTIALS') ?? null };
  }
  const path = kind === 'secret' ? join(sandbox, checkKey(where)) : where;
  const text = await readText(path);
  return { where: `the file ${path}`, value: (name) => credentialIn(text, name), text };
}

const VARIABLES = 'the variables';
const VARIABLES_HINT =
  'Executors have no variables of their agent but those of its --executor_environment_variables; credentials=file:/path needs none. Or they come with the request.';
const FILE_HINT = 'The node itself has to have them, as lines NAME=VALUE, or they come with the request.';

/** Throws STORAGE_FAILED that says what is missing where, without any value. */
export function missingCredentials(expected: string, { where }: Pick<Credentials, 'where'>): OperatorError {
  return new OperatorError(
    'STORAGE_FAILED',
    `Expected the key of the store as ${expected} in ${where}, and did not find it`,
    { hint: where.startsWith(VARIABLES) ? VARIABLES_HINT : FILE_HINT },
  );
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const hint =
      'The file has to be on each node, to be read by the user of the executor, or credentials come with the request.';
    throw wrapError(`read the credentials of the store from ${path}`, error, 'STORAGE_FAILED', hint);
  }
}
