import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { OperatorError, wrapError } from '../errors.ts';
import { parseJavaMajor, supportedJava, type Distribution } from './jvm.ts';

const START_OF_JAVA_MS = 30_000;

/**
 * Looks at `<home>/lib`, or at the only `<home>/<folder>/lib`, which is where a fetched archive unpacks to. An unpacked
 * distribution and a folder of Maven's jars differ in the name of Cassandra's own jar only. Throws BAD_REQUEST saying
 * what is missing.
 */
export async function inspectDistribution(home: string): Promise<Distribution> {
  const lib = unpackedIn(home, 'lib');
  const names = await readdir(lib).catch((error: unknown) => {
    throw wrapError(`read Cassandra's jars in ${lib}`, error, 'BAD_REQUEST');
  });
  const version = names
    .map((name) => /^(?:apache-cassandra|cassandra-all)-(\d[\w.-]*)\.jar$/.exec(name)?.[1])
    .find((match) => match !== undefined);
  const jamm = names.find((name) => /^jamm-[\d.]+\.jar$/.test(name));
  if (!version || !jamm) {
    const missing = version ? 'jamm-<version>.jar' : 'apache-cassandra-<version>.jar or cassandra-all-<version>.jar';
    throw new OperatorError('BAD_REQUEST', `${lib} holds no Cassandra: expected ${missing}`);
  }
  return { lib, jamm: join(lib, jamm), version };
}

/** `<home>/bin/java`, or that of the only folder in it that has one. */
export function javaOf(home: string): string {
  return unpackedIn(home, 'bin/java');
}

/** Archives hold one folder with their release's name. */
function unpackedIn(home: string, name: string): string {
  const path = join(home, name);
  if (existsSync(path)) return path;
  const unpacked = globSync(`*/${name}`, { cwd: home });
  return unpacked.length === 1 ? join(home, unpacked[0] ?? '') : path;
}

/** The major release of `java`. Throws BAD_REQUEST when it does not run, or not Cassandra `version`. */
export async function checkJava(java: string, version: string, signal?: AbortSignal): Promise<number> {
  const output = await versionOutput(java, signal);
  const major = parseJavaMajor(output);
  const supported = supportedJava(version);
  if (major !== null && supported.includes(major)) return major;
  throw new OperatorError(
    'BAD_REQUEST',
    `Cassandra ${version} runs on Java ${supported.join(' or ')}; ${java} is ${major ?? `unknown: ${output.trim()}`}`,
    { hint: 'Say which with --java-home, or set JAVA_HOME for the executor.' },
  );
}

async function versionOutput(java: string, signal?: AbortSignal): Promise<string> {
  const options = { timeout: START_OF_JAVA_MS, env: {}, ...(signal ? { signal } : {}) };
  try {
    const { stdout, stderr } = await promisify(execFile)(java, ['-version'], options);
    return stdout + stderr;
  } catch (error) {
    throw signal?.aborted ? signal.reason : wrapError(`run ${java} -version`, error, 'BAD_REQUEST');
  }
}
