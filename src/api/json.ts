import type { Context } from 'koa';
import { jsonText } from '../jobs/json-text.ts';

/** In characters; what is longer is read by programs. */
const READABLE = 200_000;

/** Answers with JSON, indented: most of it is read by people with curl. */
export function sendJson(ctx: Context, body: unknown): void {
  ctx.type = 'application/json';
  const short = jsonText(body);
  // A job of a thousand nodes is half as long without indentation, and done in a third of the time.
  ctx.body = `${short.length > READABLE ? short : JSON.stringify(body, null, 2)}\n`;
}
