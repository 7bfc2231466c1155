import type { Context, Middleware } from 'koa';
import { OperatorError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { sendJson } from './json.ts';

/** The one place where errors become HTTP: `{"error":{code,message,hint?}}`, and what the error carries beside it. */
export function errorHandler(log: Logger): Middleware {
  return async (ctx, next) => {
    try {
      await next();
      if (ctx.body === undefined || ctx.body === null) checkAnswered(ctx);
    } catch (error) {
      const known = toOperatorError(error);
      // Unknown to the client, so it has to be in the log; everything else the client has been told.
      if (known.code === 'INTERNAL') log.error({ err: error, method: ctx.method, path: ctx.path }, 'request failed');
      answer(ctx, known);
    }
  };
}

function answer(ctx: Context, error: OperatorError): void {
  const { code, message, hint, details } = error;
  ctx.status = error.status;
  if (code === 'UNAUTHORIZED') ctx.set('WWW-Authenticate', 'Bearer');
  // The rest of a body that is too large is not read: the connection cannot be used again.
  if (code === 'BODY_TOO_LARGE') ctx.set('Connection', 'close');
  sendJson(ctx, {
    ...(ctx.method === 'POST' ? oldFields(ctx.path, message) : {}),
    ...(ctx.method === 'DELETE' && DELETION.test(ctx.path) ? { started: false } : {}),
    error: { code, message, ...(hint === undefined ? {} : { hint }) },
    ...details,
  });
}

/** What the forerunner answered on these paths when it did nothing; its clients look at that. */
const OLD_FIELDS: [path: RegExp, fields: (message: string) => Record<string, unknown>][] = [
  [/^\/cluster\/(?:backup|restore|cleanup|repair|rolling-restart)\/start\/?$/, () => ({ started: false })],
  [
    /^\/cluster\/(?:backup|restore|cleanup|repair|rolling-restart|remove|verify|delete|prune|sweep|rename|adopt)\/abort\/?$/,
    () => ({ aborted: false }),
  ],
  [/^\/node\/[^/]+\/replace\/?$/, (reason) => ({ success: false, reason })],
  [/^\/node\/[^/]+\/make-(?:non-)?seed\/?$/, () => ({ success: false })],
  [/^\/scale\/nodes\/?$/, (message) => ({ message })],
  // Ours, but started like jobs.
  [
    /^\/(?:node\/[^/]+\/remove|cluster\/destroy|cluster\/backups\/(?:[^/]+\/verify|prune|sweep|adopt|rename-executor))\/?$/,
    () => ({ started: false }),
  ],
];

const DELETION = /^\/cluster\/backups\/[^/]+\/?$/;

function oldFields(path: string, message: string): Record<string, unknown> {
  return OLD_FIELDS.find(([pattern]) => pattern.test(path))?.[1](message) ?? {};
}

function checkAnswered(ctx: Context): void {
  if (ctx.status === 405) {
    throw new OperatorError(
      'METHOD_NOT_ALLOWED',
      `Expected ${ctx.response.get('Allow')} for ${ctx.path}, got ${ctx.method}`,
    );
  }
  if (ctx.status === 404) {
    throw new OperatorError('NOT_FOUND', `There is nothing at ${ctx.path}`, {
      hint: 'GET / lists all paths, /api-docs describes them.',
    });
  }
}

/** The parser repeats what it could not read, which may be a secret. */
function withoutQuote(message: string): string {
  return message.replace(/, (?:\.\.\.)?".*$/s, '');
}

function toOperatorError(error: unknown): OperatorError {
  if (error instanceof OperatorError && error.code !== 'INTERNAL') return error;
  const status = (error as { status?: unknown } | null)?.status;
  if (status === 413) {
    return new OperatorError('BODY_TOO_LARGE', 'Expected a request body of at most 64 KiB, got a larger one');
  }
  if (!(error instanceof OperatorError) && typeof status === 'number' && status >= 400 && status < 500) {
    return new OperatorError(
      'BAD_REQUEST',
      `Expected a JSON object as request body: ${withoutQuote(messageOf(error))}`,
    );
  }
  return new OperatorError('INTERNAL', 'The scheduler could not answer because of an error of its own', {
    hint: "The scheduler's log says what happened.",
  });
}
