import type { Context } from 'koa';
import { z } from 'zod';
import { OperatorError } from '../errors.ts';
import { CREDENTIALS_EXPECTED, type GivenCredentials } from '../model/credentials.ts';
import { DURATION_WORDS, parseDuration } from '../model/duration.ts';
import { hasSecret } from '../model/secret-in-location.ts';

/** The parameters of a route: name to zod schema. A schema's error text completes "expected …". */
export type Shape = Readonly<Record<string, z.ZodType>>;

/** Parameters that one could expect of a job's start, and why it does not take them. */
const NOT_TAKEN: Readonly<Record<string, string>> = {
  nodes: 'a restore always covers all nodes, leave it out',
  snapshot: 'a restore takes no snapshot of its own, leave it out',
  mode: 'a restore always brings back everything, leave it out',
  rehash: 'a restore always compares all checksums, leave it out',
  resume: 'a restore always uses what an earlier one has staged, leave it out',
};

/** What is no parameter of the query, where logs of proxies and histories of shells would keep it. Its values are never repeated. */
const BODY_ONLY: ReadonlySet<string> = new Set(['credentials']);

/** What stands behind the first & of a location is no part of it any more, but a parameter. */
const LOCATION_HINT =
  'If these are options of the location: in a query its & is written %26; in a JSON body it is as it is.';

export function isBodyOnly(name: string): boolean {
  return BODY_ONLY.has(name);
}

/**
 * Reads a call's parameters from the query and the JSON body. Throws BAD_REQUEST that names every parameter
 * which is unknown, malformed or given twice.
 */
export function readParams<S extends Shape>(ctx: Context, shape: S): z.output<z.ZodObject<S>> {
  // Without a prototype, so that `__proto__` is a name like any other.
  const given: Record<string, unknown> = Object.assign(Object.create(null), bodyParams(ctx));
  const problems: string[] = [];
  for (const [name, value] of Object.entries(ctx.query)) {
    if (isBodyOnly(name) && Object.hasOwn(shape, name)) {
      problems.push(`${name}: expected it in the JSON body alone, got it in the query`);
      continue;
    }
    if (Array.isArray(value) || Object.hasOwn(given, name)) problems.push(`${name}: expected it once, got it twice`);
    given[name] = value;
  }
  for (const name of Object.keys(given).filter((name) => !Object.hasOwn(shape, name))) {
    problems.push(unknownParam(name, Object.keys(shape)));
    delete given[name];
  }
  const parsed = z.object(shape).safeParse(given);
  if (parsed.success && problems.length === 0) return parsed.data;
  const malformed = new Map(parsed.error?.issues.map((issue) => [String(issue.path[0]), issue.message]));
  for (const [name, expected] of malformed) {
    if (!problems.some((problem) => problem.startsWith(`${name}: `))) {
      const got = maySay(name, given[name]) ? `, got ${quote(given[name])}` : '';
      problems.push(`${name}: expected ${expected}${got}`);
    }
  }
  const isCut = typeof ctx.query['location'] === 'string' && ctx.query['location'].includes('?');
  const message = `Wrong parameters: ${problems.join('; ')}`;
  throw new OperatorError('BAD_REQUEST', message, isCut ? { hint: LOCATION_HINT } : {});
}

function unknownParam(name: string, known: string[]): string {
  const reason = known.includes('name') && Object.hasOwn(NOT_TAKEN, name) ? NOT_TAKEN[name] : undefined;
  if (reason !== undefined) return `${name}: ${reason}`;
  if (isBodyOnly(name) && known.includes('location')) {
    return `${name}: those of a request are not kept, expected the location to name them: credentials=${CREDENTIALS_EXPECTED}`;
  }
  const expected = known.length === 0 ? 'no parameters' : `one of ${known.join(', ')}`;
  return `${name.slice(0, 100)}: expected ${expected}, got an unknown one`;
}

function bodyParams(ctx: Context): Record<string, unknown> {
  const body: unknown = ctx.request.body ?? {};
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new OperatorError('BAD_REQUEST', 'Expected a JSON object as request body, got another JSON value');
}

/** False for a secret, or what may hold one. */
function maySay(name: string, value: unknown): boolean {
  return !isBodyOnly(name) && !(typeof value === 'string' && hasSecret(value));
}

function quote(value: unknown): string {
  // What stands before an @ in a URL may be a password.
  const text = value === undefined ? 'nothing' : JSON.stringify(value).replaceAll(/\/\/[^/@]*@/g, '//…@');
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** Credentials of the store, for the one job; which names it has to have the location's kind says. */
export function credentialsParam(): z.ZodType<GivenCredentials> {
  const error = 'an object of names and texts, such as ACCESS_KEY_ID and SECRET_ACCESS_KEY';
  return z.record(z.string(), z.string({ error }), { error });
}

/** A whole number of at least 1, also as text. */
export function countParam(): z.ZodType<number> {
  const error = 'a whole number from 1';
  return z.preprocess(readDigits, z.int({ error }).min(1, { error }));
}

function readDigits(value: unknown): unknown {
  return typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
}

/** A duration such as `24h`, in ms. */
export function durationParam(): z.ZodType<number> {
  const error = DURATION_WORDS;
  return z.preprocess(
    (value) => (typeof value === 'string' ? parseDuration(value) : value),
    z.int({ error }).min(0, { error }),
  );
}

/** `true` or `false`, also as text. */
export function flagParam(): z.ZodType<boolean> {
  return z.preprocess(readFlag, z.boolean({ error: 'true or false' }));
}

function readFlag(value: unknown): unknown {
  return value === 'true' || value === 'false' ? value === 'true' : value;
}

/** A comma list or an array, at least one entry, none twice. */
export function listParam(entry: RegExp, what: string): z.ZodType<string[]> {
  const error = `a comma list or an array of ${what}, none twice`;
  const entries = z.array(z.string({ error }).regex(entry, { error }), { error }).min(1, { error });
  return z.preprocess(
    splitList,
    entries.refine((list) => new Set(list).size === list.length, { error }),
  );
}

function splitList(value: unknown): unknown {
  return typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value;
}

export function choiceParam<const T extends readonly [string, ...string[]]>(choices: T): z.ZodType<T[number]> {
  return z.enum(choices, { error: choices.join(' or ') }) as z.ZodType<T[number]>;
}
