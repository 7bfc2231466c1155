import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { textRoute, type Route } from '../route.ts';

const DOCUMENT = new URL('../../../api-docs/openapi.yaml', import.meta.url);

/** Everything comes from here: the page has to work where there is no way out to the internet. */
const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>cassandra-mesos REST API</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/api-docs/swagger-ui.css" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/api-docs/swagger-ui-bundle.js"></script>
    <script src="/api-docs/start.js"></script>
  </body>
</html>
`;

const START = `SwaggerUIBundle({ url: '/api-docs/openapi.yaml', dom_id: '#swagger-ui', validatorUrl: null });\n`;

const CONTENT_SECURITY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

function asset(name: string): string {
  return fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`));
}

/** Swagger UI over the OpenAPI document. */
export function docsRoutes(): Route[] {
  return [
    textRoute('/api-docs', 'text/html; charset=utf-8', {}, ({ ctx }) => {
      ctx.set('Content-Security-Policy', CONTENT_SECURITY);
      return PAGE;
    }),
    textRoute('/api-docs/openapi.yaml', 'application/yaml', {}, () => readFile(DOCUMENT, 'utf8')),
    textRoute('/api-docs/start.js', 'text/javascript', {}, () => START),
    textRoute('/api-docs/swagger-ui.css', 'text/css', {}, () => readFile(asset('swagger-ui.css'), 'utf8')),
    textRoute('/api-docs/swagger-ui-bundle.js', 'text/javascript', {}, () =>
      readFile(asset('swagger-ui-bundle.js'), 'utf8'),
    ),
  ];
}
