import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { OperatorError, wrapError } from '../errors.ts';
import { CREDENTIAL_NAMES, credentialIn, type GivenCredentials } from '../model/credentials.ts';
import type { CliDeps } from './deps.ts';

/** There is none for the credentials themselves, because command lines are public. */
export const CREDENTIALS_OPTION = [
  '--credentials-file <path>',
  'of the store for this job alone: lines NAME=VALUE, or a key file of Google; - reads stdin',
] as const;

/** What the file that a command names holds; undefined where it names none. Throws BAD_REQUEST without a word of its content. */
export async function credentialsOf(
  command: Command,
  { readStdin }: Pick<CliDeps, 'readStdin'>,
): Promise<GivenCredentials | undefined> {
  const { credentialsFile: path } = command.opts<{ credentialsFile?: string }>();
  if (path === undefined) return undefined;
  const text = await readText(path, readStdin);
  if (text.trimStart().startsWith('{')) return { CREDENTIALS: text.trim() };
  const values = [...CREDENTIAL_NAMES].map((name) => [name, credentialIn(text, name)]);
  const found = values.filter(([, value]) => value !== undefined);
  if (found.length > 0) return Object.fromEntries(found) as GivenCredentials;
  throw new OperatorError('BAD_REQUEST', `Expected lines NAME=VALUE in ${path}, found none of a name that is known`, {
    hint: `They are ${[...CREDENTIAL_NAMES].join(', ')}.`,
  });
}

async function readText(path: string, readStdin: CliDeps['readStdin']): Promise<string> {
  try {
    return path === '-' && readStdin ? await readStdin() : await readFile(path, 'utf8');
  } catch (error) {
    throw wrapError(`read the credentials from ${path}`, error, 'BAD_REQUEST');
  }
}
