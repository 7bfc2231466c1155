import { randomFillSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { medianOf, rounded, type Figures, type Result, type Row } from './results.ts';
import { curl, ours } from './storage/peers.ts';
import { STORES, type BenchStore } from './storage/stores.ts';
import { run, type Tool } from './storage/tool.ts';

const LARGE_FILES = 8;
/** As components of small SSTables are: from some bytes to some tens of KiB. */
const SMALL_BYTES = 8 * 1024;

interface Options {
  gib: number;
  files: number;
  rounds: number;
  directory: string;
  /** Names of kinds. */
  stores: string[];
}

/**
 * One node's transfers to and from a store on loopback, side by side in one run: ours, four curls (the limit), and on S3 rclone and Medusa where they
 * can be installed.
 */
export async function measureStorage({ stores, ...options }: Options): Promise<Result[]> {
  const results: Result[] = [];
  for (const kind of stores) {
    const work = mkdtempSync(join(options.directory, 'bench-storage-'));
    const store = await STORES[kind]?.(work);
    if (store === undefined || store === null)
      throw new Error(`the server of ${kind} is not installed: scripts/setup --tests`);
    try {
      results.push(...measureStore(kind, store, work, options));
    } finally {
      await store.stop();
      rmSync(work, { recursive: true, force: true });
    }
  }
  return results;
}

function measureStore(kind: string, store: BenchStore, work: string, options: Omit<Options, 'stores'>): Result[] {
  const { gib, files, rounds } = options;
  const tools = [curl, ours, ...store.peers];
  const measure = (what: string, title: string, count: number, bytes: number): Result => {
    const source = makeFiles(join(work, what), count, bytes);
    const rows: Row[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      for (const tool of tools) rows.push({ tool: tool.name, round, ...roundTrip(tool, store, source) });
    }
    rmSync(source, { recursive: true });
    const name = `storage-${kind.toLowerCase()}-${what}`;
    return { name, title, settings: { gib, files, rounds }, rows, summary: summaryOf(rows, tools) };
  };
  return [
    measure(
      'large',
      `${gib} GiB in ${LARGE_FILES} files to and from ${kind}`,
      LARGE_FILES,
      (gib * 1024 ** 3) / LARGE_FILES,
    ),
    measure('small', `${files} files of ${SMALL_BYTES} bytes to and from ${kind}`, files, SMALL_BYTES),
  ];
}

function makeFiles(folder: string, count: number, bytes: number): string {
  mkdirSync(folder);
  const content = Buffer.alloc(bytes);
  for (let index = 0; index < count; index += 1) {
    writeFileSync(join(folder, `nb-${index}-big-Data.db`), randomFillSync(content));
  }
  return folder;
}

/** Up, then down into an empty folder; what came is as large as what went. */
function roundTrip(tool: Tool, store: BenchStore, source: string): Figures {
  const target = join(source, '..', 'target');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  const names = readdirSync(source);
  const up = run(tool, 'up', { store, folder: source, names });
  const down = run(tool, 'down', { store, folder: target, names });
  for (const name of names) {
    if (statSync(join(target, name)).size !== statSync(join(source, name)).size) {
      throw new Error(`${tool.name} brought another ${name}`);
    }
  }
  return {
    'up (s)': rounded(up.seconds),
    'up CPU (s)': rounded(up.cpu),
    'up memory (MiB)': rounded(up.mib, 0),
    'down (s)': rounded(down.seconds),
    'down CPU (s)': rounded(down.cpu),
    'down memory (MiB)': rounded(down.mib, 0),
  };
}

/** Ours against each of the others, by medians. */
function summaryOf(rows: Row[], tools: Tool[]): Figures {
  const of = (tool: Tool, column: string): number =>
    medianOf(
      rows.filter((row) => row['tool'] === tool.name),
      column,
    );
  return Object.fromEntries(
    tools
      .filter((tool) => tool !== ours)
      .flatMap((tool) =>
        (['up', 'down'] as const).map((direction) => {
          const column = `${direction} (s)`;
          return [`${direction}: ours / ${tool.name}`, rounded(of(ours, column) / of(tool, column), 2)];
        }),
      ),
  );
}
