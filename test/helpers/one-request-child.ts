// Asks a server for something once, and has nothing more to do. Usage: one-request-child.ts URL
import { HttpClient } from '../../src/storage/http/http-client.ts';

const client = new HttpClient({ trust: {}, connections: 1, silenceMs: 60_000, agentFor: () => null });
const url = new URL(process.argv[2] ?? '');
const { body } = await client.request({ method: 'GET', url, headers: {}, connectMs: 10_000 });
console.log(Buffer.concat(await body.toArray()).toString());
