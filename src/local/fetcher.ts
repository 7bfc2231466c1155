// Brings a CommandInfo's URIs into the sandbox, as the Mesos fetcher does.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { chmod, constants, copyFile, mkdir } from 'node:fs/promises';
import { basename, dirname, join, normalize } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { OperatorError, wrapError } from '../errors.ts';
import type { CommandInfo } from '../mesos/types.ts';

type Uri = NonNullable<CommandInfo['uris']>[number];

/** Fetches all URIs into `sandbox`, one after the other. Throws at the first that fails, naming it. */
export async function fetchAll(uris: readonly Uri[], sandbox: string, signal: AbortSignal): Promise<void> {
  for (const uri of uris) {
    try {
      await fetchOne(uri, sandbox, signal);
    } catch (error) {
      throw wrapError(`fetch '${uri.value}'`, error);
    }
  }
}

async function fetchOne(uri: Uri, sandbox: string, signal: AbortSignal): Promise<void> {
  const file = join(sandbox, outputName(uri));
  await mkdir(dirname(file), { recursive: true });
  if (/^https?:/.test(uri.value)) await download(uri.value, file, signal);
  else {
    const source = uri.value.startsWith('file:') ? fileURLToPath(uri.value) : uri.value;
    await copyFile(source, file, constants.COPYFILE_FICLONE);
  }
  if (uri.executable) await chmod(file, 0o755);
  else if (uri.extract ?? true) await extract(file, sandbox, signal);
}

/** Its place in the sandbox: `outputFile`, or the last part of the URI's path. */
function outputName({ value, outputFile }: Uri): string {
  const name = normalize(outputFile ?? basename(/^\w+:/.test(value) ? new URL(value).pathname : value));
  if (name === '.' || name.startsWith('/') || name.split('/').includes('..')) {
    throw new OperatorError('BAD_REQUEST', `Expected a file name within the sandbox, got '${name}'`);
  }
  return name;
}

async function download(url: string, file: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, { signal });
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    throw new OperatorError('STORAGE_FAILED', `Expected HTTP status 200, got ${response.status}`);
  }
  await pipeline(Readable.fromWeb(response.body), createWriteStream(file), { signal });
}

/** Archives that Mesos unpacks beside themselves; any other file is left as it is. */
async function extract(file: string, sandbox: string, signal: AbortSignal): Promise<void> {
  if (/\.(tar|tgz|tbz2|txz|tar\.(gz|bz2|xz))$/.test(file)) await run(['tar', '-xf', file, '-C', sandbox], signal);
  else if (file.endsWith('.zip')) await run(['unzip', '-o', '-q', '-d', sandbox, file], signal);
}

async function run([command = '', ...args]: readonly string[], signal: AbortSignal): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], signal });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new OperatorError('STORAGE_FAILED', `${command} ended with ${code}: ${complaint.trim()}`);
}
