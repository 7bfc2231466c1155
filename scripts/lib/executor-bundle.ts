// executor.tgz: what an agent needs to run an executor, beside Node, Java and Cassandra.
import { globSync, readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { create } from 'tar';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Programs of the bundle. Threads lie beside the executor, as copy-pool.ts and hasher.ts look for them. */
const ENTRIES = {
  executor: 'src/bin/bundled-executor.ts',
  'copy-worker': 'src/storage/copy-worker.ts',
  'hash-worker': 'src/storage/hash-worker.ts',
};

/** The libraries are CommonJS and ask for Node's own modules by require, which an ES module does not have. */
const REQUIRE = `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`;

/**
 * Writes the bundle. The same sources give the same bytes: agents keep what they have fetched under a name with its
 * checksum. Inside, `executor/` is laid out as the package is, so that files are found at the same relative places.
 */
export async function buildExecutor(target: string): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'executor-bundle-'));
  try {
    await bundlePrograms(join(scratch, 'executor/dist/bin'));
    for (const file of globSync('proto/**/*.proto', { cwd: ROOT })) await copy(file, join(scratch, 'executor', file));
    await copy(jolokiaJar(), join(scratch, 'executor/jolokia.jar'));
    const files = globSync('executor/**/*.{mjs,proto,jar}', { cwd: scratch }).sort();
    // Not the modes that this user's umask gives.
    for (const file of files) await chmod(join(scratch, file), 0o644);
    await mkdir(dirname(target), { recursive: true });
    const partial = `${target}.${process.pid}.partial`;
    await create({ cwd: scratch, file: partial, gzip: true, portable: true, mtime: new Date(0) }, files);
    await rename(partial, target);
  } finally {
    await rm(scratch, { recursive: true });
  }
}

async function bundlePrograms(directory: string): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: ENTRIES,
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What is imported when it is needed stays apart: the libraries of stores that are not used are not read.
    splitting: true,
    chunkNames: 'chunk-[hash]',
    platform: 'node',
    target: 'node22',
    format: 'esm',
    banner: { js: REQUIRE },
    legalComments: 'eof',
    logLevel: 'warning',
  });
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(join(ROOT, from), to);
}

/** As scripts/setup has fetched it. */
function jolokiaJar(): string {
  const version = /<jolokia\.version>(.*)<\//.exec(readFileSync(join(ROOT, 'cassandra/pom.xml'), 'utf8'))?.[1];
  return `.cache/jolokia/jolokia-agent-jvm-${version}-javaagent.jar`;
}
