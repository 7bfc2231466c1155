import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

/** Which room may import which: the arrows of the house. `bin` puts everything together, `config` is for it alone. */
const ARROWS: Record<string, string[]> = {
  config: ['scheduler', 'model'],
  cli: ['model'],
  artifacts: ['model'],
  api: ['jobs', 'state', 'model'],
  jobs: ['state', 'model'],
  webhook: ['jobs', 'state', 'model'],
  metrics: ['jobs', 'mesos', 'state', 'model'],
  scheduler: ['jobs', 'mesos', 'state', 'model'],
  executor: ['cassandra', 'storage', 'mesos', 'model'],
  cassandra: ['model'],
  storage: ['model'],
  mesos: ['model'],
  local: ['mesos', 'model'],
  state: ['model'],
  model: [],
};

/** Single files at the top that every room may use. */
const SHARED = new Set(['errors.ts', 'log.ts', 'clock.ts', 'sealed.ts']);

test('imports between rooms go one way', (t) => {
  const wrong: string[] = [];
  for (const file of readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))) {
    const room = file.split('/')[0] ?? '';
    if (room === 'bin') continue;
    for (const [, target] of readFileSync(join(SRC, file), 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
      const to = relative(SRC, join(SRC, dirname(file), target ?? ''));
      const toRoom = to.split('/')[0] ?? '';
      if (toRoom === room || SHARED.has(to) || (ARROWS[room] ?? []).includes(toRoom)) continue;
      wrong.push(`${file} → ${to}`);
    }
  }
  t.deepEqual(wrong, []);
});

test('only the entry points read the environment or end the process', (t) => {
  const wrong = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('bin/'))
    .filter((name) => /process\.(exit|env)\b/.test(readFileSync(join(SRC, name), 'utf8')));
  t.deepEqual(wrong, []);
});
