import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent, type ProxyEnv } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIPv4 } from 'node:net';
import { createSecureContext, getCACertificates } from 'node:tls';
import { z } from 'zod';
import { OperatorError, wrapError } from '../errors.ts';
import { HttpClient } from './http/http-client.ts';

/** How a store is reached, for every kind of store. */
export interface NetworkOptions {
  /** PEM file on the node with certificates that are trusted beside Node's own. */
  caFile: string | null;
  /** Null: as the variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the process say. */
  proxy: string | null;
  /** True: whoever answers is believed to be the store. */
  insecure: boolean;
}

const PROXY_EXPECTED = 'a proxy as http://host:port; one with a password belongs in HTTPS_PROXY of the process';

/** The options of a location's query, for the parser of each kind. */
export const networkShape = {
  caFile: z
    .string()
    .regex(/^\/[^\0]+$/, 'an absolute path on the nodes')
    .optional(),
  proxy: z
    .string()
    .regex(/^http:\/\/[^/?#@]+\/?$/i, PROXY_EXPECTED)
    .refine((value) => URL.canParse(value), PROXY_EXPECTED)
    .transform((value) => new URL(value).origin)
    .optional(),
  insecure: z
    .enum(['true', 'false'], { error: 'true or false' })
    .transform((value) => value === 'true')
    .optional(),
};

/** What a parser of locations keeps of them. */
export function networkOptions(parsed: {
  [Name in keyof typeof networkShape]?: z.output<(typeof networkShape)[Name]>;
}): NetworkOptions {
  const { caFile, proxy, insecure } = parsed;
  return { caFile: caFile ?? null, proxy: proxy ?? null, insecure: insecure ?? false };
}

/** Connections of one location, kept for further requests. What waits for nothing does not keep the process. */
export interface NetworkAgents {
  /** For the store. */
  client: HttpClient;
  http: HttpAgent;
  https: HttpsAgent;
  /** For those who give credentials, who are not the store: as `https`, but never insecure. */
  verified: HttpsAgent;
}

const CONNECTIONS = 32;
/** A connection on which nothing moves for so long (ms) is given up. */
export const SILENCE_MS = 60_000;

/**
 * Makes the agents that a kind's library sends its requests by. `env`: the variables of the process. Throws STORAGE_FAILED for a CA file that cannot be
 * read or holds no certificate, and for a variable that names a proxy that cannot be used.
 */
export async function networkAgents(options: NetworkOptions, env: NodeJS.ProcessEnv): Promise<NetworkAgents> {
  const { caFile, proxy, insecure } = options;
  const proxyEnv = proxy === null ? proxyOf(env) : { HTTP_PROXY: proxy, HTTPS_PROXY: proxy };
  const common = { keepAlive: true, maxSockets: CONNECTIONS, timeout: SILENCE_MS, proxyEnv };
  // Made once: reading all certificates anew for each connection takes as long as the connection.
  const trusting =
    caFile === null
      ? {}
      : { secureContext: createSecureContext({ ca: [...getCACertificates(), await readCa(caFile)] }) };
  const verified = new HttpsAgent({ ...common, ...trusting });
  const https = insecure ? new HttpsAgent({ ...common, rejectUnauthorized: false }) : verified;
  const http = new HttpAgent(common);
  const client = new HttpClient({
    trust: insecure ? { rejectUnauthorized: false } : trusting,
    connections: CONNECTIONS,
    silenceMs: SILENCE_MS,
    agentFor: (url) => (!mayBeProxied(url, proxyEnv) ? null : url.protocol === 'https:' ? https : http),
  });
  return { client, http, https, verified };
}

/** False only where Node's agents would go straight there as well. */
function mayBeProxied({ protocol, hostname, host }: URL, env: ProxyEnv): boolean {
  if ((protocol === 'https:' ? env.HTTPS_PROXY : env.HTTP_PROXY) === undefined) return false;
  const isBypassed = (entry: string): boolean => {
    const [, first, last] = /^([\d.]+)-([\d.]+)$/.exec(entry) ?? [];
    if (first !== undefined && last !== undefined && isIPv4(hostname)) {
      return addressValue(first) <= addressValue(hostname) && addressValue(hostname) <= addressValue(last);
    }
    return ['*', hostname, host].includes(entry) || (entry.startsWith('.') && hostname.endsWith(entry));
  };
  return !(env.NO_PROXY ?? '').split(',').some(isBypassed);
}

const CA_HINT =
  "caFile in the location has to be a PEM file with the CA's certificates on each node, and on the scheduler's host.";

async function readCa(file: string): Promise<string> {
  const operation = `read the CA certificates for the store from ${file} (caFile)`;
  try {
    const pem = await readFile(file, 'utf8');
    const certificates = pem.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
    if (certificates.length === 0) throw new Error('expected PEM, found no certificate');
    // TLS takes what is broken without a word.
    return certificates.map((certificate) => new X509Certificate(certificate).toString()).join('');
  } catch (error) {
    throw wrapError(operation, error, 'STORAGE_FAILED', CA_HINT);
  }
}

/** This host itself is never asked for through a proxy that is there for everything. */
const LOOPBACK = ['localhost', '.localhost', '127.0.0.0-127.255.255.255', '::1', '[::1]'];

/** Of the variables that curl, Go and Python know; `http_proxy` in capitals too, as we are no CGI. */
function proxyOf(env: NodeJS.ProcessEnv): ProxyEnv {
  const read = (name: string): string | undefined => env[name.toLowerCase()] || env[name] || undefined;
  const bypassed = (read('NO_PROXY') ?? '').split(',').map((entry) => entry.trim());
  return {
    HTTP_PROXY: proxyUrl('HTTP_PROXY', read('HTTP_PROXY')),
    HTTPS_PROXY: proxyUrl('HTTPS_PROXY', read('HTTPS_PROXY')),
    NO_PROXY: [...bypassed.flatMap(bypassing), ...LOOPBACK].join(','),
  };
}

/** The value itself is not told: it may hold a password. */
function proxyUrl(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const url = value.includes('://') ? value : `http://${value}`;
  if (/^https?:/i.test(url) && URL.canParse(url)) return url;
  throw new OperatorError('STORAGE_FAILED', `Expected the variable ${name} as http://host:port, got something else`, {
    hint: `Correct ${name} where the agent starts executors, or give proxy=http://host:port in the location.`,
  });
}

/** Node's agents know addresses from-to and suffixes with a dot; the field's tools know networks, and mean what is below a name as well. */
function bypassing(entry: string): string[] {
  if (entry === '' || entry === '*') return entry === '' ? [] : [entry];
  const [, address = '', bits = ''] = /^([\d.]+)\/(\d+)$/.exec(entry) ?? [];
  if (isIPv4(address) && Number(bits) <= 32) return [rangeOf(address, Number(bits))];
  return /^[a-z][a-z0-9.-]*$/i.test(entry) ? [`.${entry}`] : [entry];
}

/** Of an IPv4 network. */
function rangeOf(address: string, bits: number): string {
  const value = addressValue(address);
  const size = 2 ** (32 - bits);
  const first = Math.floor(value / size) * size;
  return `${addressText(first)}-${addressText(first + size - 1)}`;
}

function addressValue(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function addressText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
