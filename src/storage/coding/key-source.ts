import { spawn } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatorError, wrapError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { checkKey } from '../layout.ts';
import { parseKeys, type KeyRing } from './key-ring.ts';

/** What looking for keys needs. */
export interface KeyPlaces {
  /** Directory of `secret:` references. */
  sandbox: string;
  log?: Pick<Logger, 'warn'> | undefined;
}

/** How long a program may take that tells keys: it may ask a key service far away. Less than a preflight has. */
const COMMAND_MS = 15_000;
/** Thousands of keys. */
const MOST_BYTES = 1024 * 1024;

const KEYS_HINT =
  'What encryption in the location names has to be on every node, to be read and run by the user of the executor.';

/** In words, for messages. */
export function whereKeysAre(reference: string, { sandbox }: Pick<KeyPlaces, 'sandbox'>): string {
  const { kind, name } = parse(reference);
  if (kind === 'command') return `the output of ${name}`;
  return `the file ${kind === 'secret' ? join(sandbox, checkKey(name)) : name}`;
}

/**
 * The keys that a location's `encryption` refers to: `file:/path`, `secret:name` (a file of the sandbox) or `command:/path`, a program that prints
 * them. Throws STORAGE_FAILED, and TIMEOUT for a program that does not end.
 */
export async function readKeys(reference: string, places: KeyPlaces): Promise<KeyRing> {
  const { kind, name } = parse(reference);
  const where = whereKeysAre(reference, places);
  if (kind === 'command') return parseKeys(await outputOf(name, COMMAND_MS), where);
  return parseKeys(await readKeyFile(kind === 'secret' ? join(places.sandbox, checkKey(name)) : name, places), where);
}

function parse(reference: string): { kind: string; name: string } {
  const at = reference.indexOf(':');
  return { kind: reference.slice(0, at), name: reference.slice(at + 1) };
}

async function readKeyFile(path: string, { log }: KeyPlaces): Promise<string> {
  try {
    const { mode } = await stat(path);
    if (mode & 0o077) {
      const permissions = (mode & 0o777).toString(8);
      log?.warn({ path, permissions }, 'the encryption keys can be read by others than their owner: chmod 600');
    }
    return await readFile(path, 'utf8');
  } catch (error) {
    throw wrapError(`read the encryption keys from ${path}`, error, 'STORAGE_FAILED', KEYS_HINT);
  }
}

/** Without a shell. What it says on stderr is let go: it may hold what must not be logged. */
export async function outputOf(program: string, deadlineMs: number): Promise<string> {
  // A group of its own, so that whatever it has started ends with it.
  const child = spawn(program, [], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  let output = '';
  let late = false;
  const end = (): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
    child.stdout.destroy();
  };
  const timer = setTimeout(() => {
    late = true;
    end();
  }, deadlineMs);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length > MOST_BYTES) end();
  });
  try {
    const how = await new Promise<string | number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve(code ?? signal));
    });
    if (late)
      throw new OperatorError(
        'TIMEOUT',
        `${program}, which tells the encryption keys, did not end within ${deadlineMs} ms`,
      );
    if (how === 0) return output;
    throw new OperatorError('STORAGE_FAILED', `${program}, which tells the encryption keys, ended with ${how}`, {
      hint: 'Run it by hand on the node, as the user of the executor.',
    });
  } catch (error) {
    throw error instanceof OperatorError
      ? error
      : wrapError(`run ${program}, which tells the encryption keys`, error, 'STORAGE_FAILED', KEYS_HINT);
  } finally {
    clearTimeout(timer);
  }
}
