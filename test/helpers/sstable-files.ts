import { existsSync, linkSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Names in a directory; none where it is missing. */
export function names(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** All files of the SSTable whose Data.db is given. */
export function componentsOf(data: string): string[] {
  const prefix = basename(data).slice(0, -'Data.db'.length);
  return names(dirname(data))
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(dirname(data), name));
}

/** Hard links of an SSTable and of its indexes' files in another directory. */
export function linkSSTable(data: string, target: string): void {
  for (const path of componentsOf(data)) linkSync(path, join(target, basename(path)));
  const prefix = basename(data).slice(0, -'Data.db'.length);
  for (const index of names(dirname(data)).filter((name) => name.startsWith('.'))) {
    for (const name of names(join(dirname(data), index)).filter((each) => each.startsWith(prefix))) {
      mkdirSync(join(target, index), { recursive: true });
      linkSync(join(dirname(data), index, name), join(target, index, name));
    }
  }
}
