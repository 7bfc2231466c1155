import { once } from 'node:events';
import { basename, dirname } from 'node:path';
import type { Context } from 'koa';
import send from 'send';
import { OperatorError, wrapError } from '../../errors.ts';
import type { ApiDeps, ServedFile } from '../deps.ts';
import type { Route } from '../route.ts';

/** As http-errors makes them. */
type HttpError = Error & { status?: number };

/** What Mesos agents fetch for an executor: these files and no others, by the names that contain their checksums. */
export function artifactRoutes(deps: Pick<ApiDeps, 'artifacts'>): Route[] {
  return [
    {
      method: 'GET',
      path: '/artifacts/:file',
      contentType: 'application/octet-stream',
      params: [],
      async handle(ctx) {
        const file = deps.artifacts.find(({ name }) => name === ctx.params['file']);
        if (!file) throw new OperatorError('NOT_FOUND', `There is no file ${ctx.params['file']} for agents to fetch`);
        await sendFile(ctx, file);
      },
    },
  ];
}

/** Streams the file, the part of it or the 304 that was asked for. Ends when it is sent or nobody wants it any more. */
async function sendFile(ctx: Context, { path, sha256 }: ServedFile): Promise<void> {
  const { req, res } = ctx;
  ctx.status = 200;
  ctx.set({
    'Content-Type': 'application/octet-stream',
    ETag: `"${sha256}"`,
    'Cache-Control': 'public, max-age=31536000, immutable',
  });
  const stream = send(req, encodeURIComponent(basename(path)), { root: dirname(path), lastModified: false });
  const failed = once(stream, 'error').then(([error]) => Promise.reject(error as Error));
  // From here on the answer is not Koa's any more.
  ctx.respond = false;
  stream.pipe(res);
  try {
    await Promise.race([failed, once(res, 'close')]);
  } catch (error) {
    if (res.headersSent) return void res.destroy();
    ctx.respond = true;
    ctx.remove('ETag');
    ctx.set('Cache-Control', 'no-store');
    throw toOperatorError(ctx, error as HttpError);
  }
}

function toOperatorError(ctx: Context, error: HttpError): OperatorError {
  if (error.status === 416) {
    const size = ctx.response.get('Content-Range').replace(/^.*\//, '');
    return new OperatorError('RANGE_NOT_SATISFIABLE', `Expected a range within ${size} bytes, got ${ctx.get('Range')}`);
  }
  if (error.status === 412) {
    return new OperatorError('BAD_REQUEST', 'Expected no If-Match, or the ETag of the file in it');
  }
  return wrapError('read a file for agents', error);
}
