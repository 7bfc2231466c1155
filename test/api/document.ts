import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

interface Content {
  schema: object;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}

export interface Answer {
  $ref?: string;
  content?: Record<string, Content>;
}

export interface Parameter {
  $ref?: string;
  name: string;
  in: string;
  schema: { default?: unknown };
  example?: unknown;
}

export interface Operation {
  parameters?: Parameter[];
  requestBody?: { $ref?: string; content: Record<string, Content> };
  responses: Record<string, Answer>;
}

export interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
}

export const DOCUMENT = parse(readFileSync(new URL('../../api-docs/openapi.yaml', import.meta.url), 'utf8')) as OpenApi;

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema(DOCUMENT, 'openapi');
const compiled = new Map<string, ValidateFunction>();

/** Follows a `$ref` of the document; returns the JSON pointer too, by which a schema in it can be compiled. */
export function resolve<T extends { $ref?: string }>(value: T, pointer: string): { value: T; pointer: string } {
  if (value.$ref === undefined) return { value, pointer };
  const target = value.$ref.slice(1);
  let found: unknown = DOCUMENT;
  for (const key of target.split('/').slice(1)) found = (found as Record<string, unknown>)[key];
  return { value: found as T, pointer: target };
}

export function pointerOf(...keys: string[]): string {
  return keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** What is wrong with a value, by the schema at the pointer; empty when it is right. */
export function problems(value: unknown, pointer: string): string[] {
  const reference = `openapi#${pointer.split('/').map(encodeURIComponent).join('/')}`;
  const validate = compiled.get(reference) ?? ajv.compile({ $ref: reference });
  compiled.set(reference, validate);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) =>
    [instancePath || '(the whole)', message, JSON.stringify(params)].join(' '),
  );
}

/** The path of the document that a real path belongs to; a path without parameters comes first. */
export function templateOf(path: string): string | undefined {
  return Object.keys(DOCUMENT.paths)
    .toSorted((a, b) => Number(a.includes('{')) - Number(b.includes('{')))
    .find((template) => new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}/?$`).test(path));
}

/** What the document does not foresee in a real answer; empty when it foresees all. */
export function answerProblems(
  request: { method: string; path: string },
  answer: { status: number; type: string; body: unknown },
): string[] {
  const template = templateOf(request.path);
  const operation = template === undefined ? undefined : DOCUMENT.paths[template]?.[request.method.toLowerCase()];
  if (template === undefined || operation === undefined) {
    // No such route: still an error like all others.
    return answer.status >= 400 ? problems(answer.body, '/components/schemas/Error') : ['not in the document'];
  }
  const status = operation.responses[answer.status] ? String(answer.status) : 'default';
  const declared = operation.responses[status];
  if (declared === undefined) return [`status ${answer.status} is not in the document`];
  const at = pointerOf('paths', template, request.method.toLowerCase(), 'responses', status);
  const { value, pointer } = resolve(declared, at);
  if (!value.content) return answer.body === '' ? [] : [`${answer.status} has no body in the document`];
  if (!value.content[answer.type]) return [`type ${answer.type} of ${answer.status} is not in the document`];
  return problems(answer.body, pointer + pointerOf('content', answer.type, 'schema'));
}
