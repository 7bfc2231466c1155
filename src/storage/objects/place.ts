import { z } from 'zod';
import { OperatorError } from '../../errors.ts';
import { checkKey } from '../layout.ts';

/** How the locations of one kind of store are written. */
export interface PlaceKind<Options extends z.ZodObject> {
  /** Without `:`. */
  scheme: string;
  /** The store's rules for the name of a bucket or container, and in words. */
  bucket: RegExp;
  bucketExpected: string;
  options: Options;
  /** How such a location looks, for whoever has mistaken one. */
  hint: string;
}

/** A location taken apart. */
export interface Place<Parsed> {
  /** As an operator writes it, one spelling for each place. */
  url: string;
  bucket: string;
  /** Empty, or with a `/` at its end. */
  prefix: string;
  options: Parsed;
}

export const trueOrFalse = z.enum(['true', 'false'], { error: 'true or false' }).transform((value) => value === 'true');

/** Reads `scheme://bucket/prefix?option=…`. Throws BAD_REQUEST that says what was expected. */
export function parsePlace<Options extends z.ZodObject>(
  text: string,
  kind: PlaceKind<Options>,
): Place<z.output<Options>> {
  const parts = /^([a-z0-9]+):\/\/([^/?#]*)\/?([^?#]*)(?:\?([^#]*))?$/i.exec(text);
  if (parts === null) throw wrongPlace(text, `${kind.scheme}://bucket/prefix?option=value, without a #`, kind);
  const [, scheme = '', bucket = '', path = '', query = ''] = parts;
  if (scheme.toLowerCase() !== kind.scheme || !kind.bucket.test(bucket)) {
    throw wrongPlace(text, kind.bucketExpected, kind);
  }
  const folder = path.replace(/\/+$/, '');
  if (folder !== '') checkKey(folder);
  const given = new URLSearchParams(query);
  const parsed = kind.options.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const problems = new Set(parsed.error.issues.map((issue) => problemOf(issue, kind.options)));
    throw wrongPlace(text, [...problems].join('; '), kind);
  }
  const repeated = new Set([...given.keys()].filter((name) => given.getAll(name).length > 1));
  if (repeated.size > 0) throw wrongPlace(text, `${[...repeated].join(', ')} once`, kind);
  const url = `${kind.scheme}://${bucket}/${folder}${queryOf(parsed.data as Parameters<typeof queryOf>[0])}`;
  return { url, bucket, prefix: folder === '' ? '' : `${folder}/`, options: parsed.data };
}

/** What was given is told without its query or fragment and without what stands before an @: there may be a secret in them. */
export function wrongPlace(text: string, expected: string, { hint }: { hint: string }): OperatorError {
  const told = text.replace(/[?#].*$/s, '').replace(/\/\/.*@/s, '//');
  return new OperatorError('BAD_REQUEST', `Expected for ${told} ${expected}`, { hint });
}

/** Of options that are none only names are told that are no key by mistake. */
function problemOf(issue: z.core.$ZodIssue, options: z.ZodObject): string {
  if (issue.code !== 'unrecognized_keys') return [issue.path.join('.'), issue.message].filter(Boolean).join(': ');
  const names = issue.keys.filter((name) => /^[a-z]{1,24}$/i.test(name));
  return `only the options ${Object.keys(options.shape).join(', ')}, and no ${names.join(', ') || 'others'}`;
}

function queryOf(given: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, String(value));
  query.sort();
  return query.size === 0 ? '' : `?${query.toString()}`;
}
