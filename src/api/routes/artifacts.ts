import { once } from 'node:events';
import { basename, dirname } from 'node:path';
import type { Context } from 'koa';
import send from 'send';
import { OperatorError } from '../../errors.ts';
import type { ApiDeps, ServedFile } from '../deps.ts';
import type { Route } from '../route.ts';

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

/** Streams the file, or the part or the 304 that was asked for. Ends when it is sent or nobody wants it any more. */
async function sendFile(ctx: Context, { path, sha256 }: ServedFile): Promise<void> {
  const { req, res } = ctx;
  ctx.set({
    'Content-Type': 'application/octet-stream',
    ETag: `"${sha256}"`,
    'Cache-Control': 'public, max-age=31536000, immutable',
  });
  const stream = send(req, encodeURIComponent(basename(path)), { root: dirname(path), lastModified: false });
  const failed = new Promise<never>((_resolve, reject) => stream.once('error', reject));
  const over = once(res, 'close');
  ctx.respond = false;
  stream.pipe(res);
  try {
    await Promise.race([failed, over]);
  } catch (error) {
    if (res.headersSent) return void res.destroy();
    ctx.respond = true;
    ctx.remove('ETag');
    ctx.set('Cache-Control', 'no-store');
    throw toOperatorError(error as { status?: number }, ctx);
  }
}
