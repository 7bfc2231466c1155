import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parse } from 'yaml';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

test('a hint names only paths that the API has', (t) => {
  const document = readFileSync(new URL('../api-docs/openapi.yaml', import.meta.url), 'utf8');
  const { paths } = parse(document) as { paths: Record<string, object> };
  const named = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => readFileSync(join(SRC, name), 'utf8').split('\n'))
    .filter((line) => line.includes('hint:'))
    .flatMap((line) => [...line.matchAll(/\b(GET|POST|DELETE) (\/[\w/{}-]*)/g)])
    .map(([, method = '', path = '']) => ({ method, path }));
  t.true(named.length > 0);
  const unknown = named.filter(({ method, path }) => !Object.hasOwn(paths[path] ?? {}, method.toLowerCase()));
  t.deepEqual(unknown, []);
});
