import test from 'ava';
import { apiRoutes, createRouter } from '../../src/api/api.ts';
import type { ApiDeps } from '../../src/api/deps.ts';
import { DOCUMENT, pointerOf, problems, resolve } from './document.ts';
import { startApi } from './helpers.ts';

// Routes are made without being called, so nothing of what they work on is needed.
const routes = apiRoutes({} as ApiDeps);
const operations = Object.entries(DOCUMENT.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

const documentPath = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}');

function parametersOf({ path, method, operation }: (typeof operations)[number]) {
  return (operation.parameters ?? []).map((parameter, index) =>
    resolve(parameter, pointerOf('paths', path, method, 'parameters', String(index))),
  );
}

test('Every route is in the document, and the document has no other', (t) => {
  const routed = createRouter(routes).stack.flatMap((layer) =>
    layer.methods
      .filter((method) => method !== 'HEAD')
      .map((method) => `${method} ${documentPath(String(layer.path))}`),
  );
  const documented = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  t.deepEqual(routed.toSorted(), documented.toSorted());
});

test('Every parameter of a route is in the document, and the document has no other', (t) => {
  for (const route of routes) {
    const path = documentPath(route.path);
    const operation = operations.find((each) => each.path === path && each.method === route.method.toLowerCase());
    const documented = operation ? parametersOf(operation).map(({ value }) => value) : [];
    const names = (where: string) => documented.filter((parameter) => parameter.in === where).map(({ name }) => name);
    t.deepEqual(names('query').toSorted(), route.params.toSorted(), `${route.method} ${path}`);
    t.deepEqual(
      names('path'),
      [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? ''),
      path,
    );
  }
});

test('Every parameter of a POST can be given in the body as well, by the same schema, and secrets only there', (t) => {
  for (const each of operations.filter(
    ({ method, operation }) => method !== 'put' && (method === 'post' || operation.requestBody),
  )) {
    const route = routes.find(
      ({ path, method }) => documentPath(path) === each.path && method.toLowerCase() === each.method,
    );
    const { value } = resolve(each.operation.requestBody ?? { content: {} }, '');
    const body: { properties?: object } | undefined = value.content['application/json']?.schema;
    const query = parametersOf(each).filter(({ value: parameter }) => parameter.in === 'query');
    t.deepEqual(
      Object.keys(body?.properties ?? {}).toSorted(),
      [...query.map(({ value: { name } }) => name), ...(route?.bodyParams ?? [])].toSorted(),
      each.path,
    );
  }
});

test('The type of every answer is the one of its route', (t) => {
  for (const route of routes) {
    const operation = DOCUMENT.paths[documentPath(route.path)]?.[route.method.toLowerCase()];
    // What is always refused has no other answer.
    const { value } = resolve(operation?.responses['200'] ?? operation?.responses['400'] ?? {}, '');
    const types = [route.contentType, ...(route.otherTypes ?? [])].map((type) => type.split(';', 1)[0]);
    t.deepEqual(Object.keys(value.content ?? {}), types, route.path);
  }
});

test('Every example in the document is right by its own schema', (t) => {
  let examples = 0;
  const check = (content: Record<string, { example?: unknown; examples?: object }> | undefined, pointer: string) => {
    for (const [type, { example, examples: named = {} }] of Object.entries(content ?? {})) {
      const schema = pointer + pointerOf('content', type, 'schema');
      const values = Object.values(named as Record<string, { value: unknown }>).map(({ value }) => value);
      for (const value of example === undefined ? values : [example, ...values]) {
        examples += 1;
        t.deepEqual(problems(value, schema), [], schema);
      }
    }
  };
  for (const each of operations) {
    const at = pointerOf('paths', each.path, each.method);
    for (const [status, response] of Object.entries(each.operation.responses)) {
      const { value, pointer } = resolve(response, at + pointerOf('responses', status));
      check(value.content, pointer);
    }
    const { value, pointer } = resolve(each.operation.requestBody ?? { content: {} }, `${at}/requestBody`);
    check(value.content, pointer);
    for (const parameter of parametersOf(each).filter(({ value: { example } }) => example !== undefined)) {
      examples += 1;
      t.deepEqual(problems(parameter.value.example, `${parameter.pointer}/schema`), [], parameter.pointer);
    }
  }
  t.true(examples > 50, `only ${examples} examples were found`);
});

test('What the page fills in by itself, and each of its examples, is accepted as it stands', async (t) => {
  for (const each of operations.filter(({ path }) => !path.includes('{'))) {
    const query = new URLSearchParams();
    for (const { value } of parametersOf(each)) {
      const filled = value.example ?? value.schema.default;
      if (filled !== undefined) query.set(value.name, JSON.stringify(filled).replaceAll('"', ''));
    }
    const { value } = resolve(each.operation.requestBody ?? { content: {} }, '');
    const { example, examples = {} } = value.content['application/json'] ?? {};
    const bodies = Object.values(examples).map(({ value }) => value);
    for (const json of bodies.length === 0 ? [example] : bodies) {
      const api = await startApi(t);
      const path = `${each.path}?${query.toString()}`;
      const { status, body, text } = await api.call(each.method.toUpperCase(), path, { json });
      const unnamed = each.path === '/cluster/restore/start' && !Object.hasOwn(json as object, 'name');
      if (unnamed) t.is(body.error.code, 'NAME_REQUIRED');
      // To try it out is not to say yes.
      else if (each.path === '/cluster/destroy') t.like(body, { started: false, error: { code: 'BAD_REQUEST' } });
      else t.is(status, 200, `${path} ${text}`);
    }
  }
});
