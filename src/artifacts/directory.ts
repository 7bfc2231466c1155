import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { create } from 'tar';
import { wrapError } from '../errors.ts';
import { sha256Of } from './sha256.ts';

/** What is known of files that have not changed since. A cache: without it everything is found out anew. */
interface Known {
  /** By path. */
  checksums: Record<string, { size: number; mtimeMs: number; sha256: string }>;
  /** By the archive's name: the state of the folder that it was packed from. */
  packed: Record<string, string>;
}

const INDEX = 'index.json';

/** `artifacts/` of the state directory: what the scheduler has packed, and the checksums of all that it serves. */
export class ArtifactDirectory {
  readonly #path: string;
  readonly #before: Known;
  /** What was asked for since open: the rest is forgotten. */
  readonly #now: Known = { checksums: {}, packed: {} };

  private constructor(path: string, before: Known) {
    this.#path = path;
    this.#before = before;
  }

  static async open(path: string): Promise<ArtifactDirectory> {
    await mkdir(path, { recursive: true });
    return new ArtifactDirectory(path, await readIndex(join(path, INDEX)));
  }

  /** sha256 of a file in hex; it is read only when size or time have changed. */
  async checksum(file: string): Promise<string> {
    const path = resolve(file);
    const { size, mtimeMs } = await stat(path);
    const before = this.#before.checksums[path];
    const same = before?.size === size && before.mtimeMs === mtimeMs;
    const sha256 = same ? before.sha256 : await sha256Of(path);
    this.#now.checksums[path] = { size, mtimeMs, sha256 };
    return sha256;
  }

  /**
   * Packs a folder into the archive `name`, unless that was done already; returns its path. The same content gives
   * the same bytes on any host.
   */
  async pack(folder: string, name: string): Promise<string> {
    const archive = join(this.#path, name);
    const files = await filesOf(folder);
    const state = stateOf(files);
    // One whose own size or time have changed is not what was packed.
    if (this.#before.packed[name] !== state || !(await this.#isUntouched(archive))) {
      try {
        await packFiles(folder, files, archive);
      } catch (error) {
        throw wrapError(`pack ${folder} for the agents`, error);
      }
    }
    this.#now.packed[name] = state;
    return archive;
  }

  /** Keeps what was found out, and removes what nobody has asked for. */
  async close(): Promise<void> {
    const index = join(this.#path, INDEX);
    await writeFile(`${index}.partial`, `${JSON.stringify(this.#now, null, 2)}\n`);
    await rename(`${index}.partial`, index);
    const kept = [INDEX, ...Object.keys(this.#now.packed)];
    for (const entry of await readdir(this.#path)) {
      if (!kept.includes(entry)) await rm(join(this.#path, entry), { recursive: true });
    }
  }

  async #isUntouched(archive: string): Promise<boolean> {
    const before = this.#before.checksums[resolve(archive)];
    const found = await stat(archive).catch(() => null);
    return found !== null && before?.size === found.size && before.mtimeMs === found.mtimeMs;
  }
}

async function readIndex(file: string): Promise<Known> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Known;
  } catch {
    return { checksums: {}, packed: {} };
  }
}

interface File {
  /** Relative to the folder. */
  path: string;
  size: number;
  mtimeMs: number;
}

async function filesOf(folder: string): Promise<File[]> {
  const files: File[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs } = await lstat(path);
    files.push({ path: relative(folder, path), size, mtimeMs });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function stateOf(files: File[]): string {
  return createHash('sha256').update(JSON.stringify(files)).digest('hex');
}

async function packFiles(folder: string, files: File[], archive: string): Promise<void> {
  const paths = files.map(({ path }) => path);
  const options = { cwd: folder, file: `${archive}.partial`, portable: true, mtime: new Date(0) };
  // Jars are compressed already: more than a little effort is for nothing.
  await create({ ...options, gzip: { level: 1 } }, paths);
  await rename(`${archive}.partial`, archive);
}
