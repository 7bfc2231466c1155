import type { Context } from 'koa';
import type { z } from 'zod';
import { sendJson } from './json.ts';
import { isBodyOnly, readParams, type Shape } from './params.ts';

/** One path of the API. The list of all routes makes the router, the answer of `GET /` and the test of the document. */
export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As @koa/router writes it: `/cluster/jobs/:id`. */
  path: string;
  contentType: string;
  /** Types that a client can ask for instead, by `Accept`. */
  otherTypes?: string[];
  /** Names of the parameters it takes in the query, and in a JSON body when it is no GET. */
  params: string[];
  /** Names of those that it takes in the body alone. */
  bodyParams?: string[];
  handle(ctx: Context & { params: Record<string, string> }): Promise<void>;
}

export interface Call<S extends Shape> {
  params: z.output<z.ZodObject<S>>;
  /** The path's own parameters. */
  path: Record<string, string>;
  ctx: Context;
}

/** A route that answers with JSON. The handler returns the answer, and may set another status than 200. */
export function jsonRoute<S extends Shape>(
  method: Route['method'],
  path: string,
  shape: S,
  handler: (call: Call<S>) => unknown,
): Route {
  return {
    method,
    path,
    contentType: 'application/json',
    ...namesOf(shape),
    async handle(ctx) {
      const params = readParams(ctx, shape);
      sendJson(ctx, await handler({ params, path: ctx.params, ctx }));
    },
  };
}

/** A GET that answers with text, or with the bytes of a document, of the given type. */
export function textRoute<S extends Shape>(
  path: string,
  contentType: string,
  shape: S,
  handler: (call: Call<S>) => string | Promise<string>,
): Route {
  return {
    method: 'GET',
    path,
    contentType,
    ...namesOf(shape),
    async handle(ctx) {
      const params = readParams(ctx, shape);
      const text = await handler({ params, path: ctx.params, ctx });
      ctx.set('Content-Type', contentType);
      ctx.body = text;
    },
  };
}

function namesOf(shape: Shape): Pick<Route, 'params' | 'bodyParams'> {
  const names = Object.keys(shape);
  return { params: names.filter((name) => !isBodyOnly(name)), bodyParams: names.filter(isBodyOnly) };
}
