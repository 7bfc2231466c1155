import type { Context } from 'koa';

/** Answers with indented JSON: most of it is read by people with curl. */
export function sendJson(ctx: Context, body: unknown): void {
  ctx.type = 'application/json';
  ctx.body = `${JSON.stringify(body, null, 2)}\n`;
}
