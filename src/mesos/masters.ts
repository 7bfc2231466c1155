import { OperatorError } from '../errors.ts';

/** A ZooKeeper ensemble, and below which znode the masters of a Mesos cluster elect their leader. */
export interface MastersAtZooKeeper {
  servers: { host: string; port: number }[];
  /** `/mesos` */
  path: string;
  /** For ZooKeeper's digest authentication. */
  credential?: { user: string; password: string };
}

/** How the leading master is found: any of the masters, which redirect to it, or ZooKeeper, which knows it. */
export type Masters = { urls: URL[] } | { zooKeeper: MastersAtZooKeeper };

const API_PATH = '/api/v1/scheduler';
const ZOOKEEPER_PORT = 2181;

/**
 * Reads what `--master` takes: `host:port`, http(s) URLs, several of them by commas, or
 * `zk://[user:password@]host[:port],…/path`. Throws BAD_REQUEST, in whose text no password stands.
 */
export function parseMasters(text: string): Masters {
  const trimmed = text.trim();
  if (trimmed.startsWith('zk://')) return { zooKeeper: parseZooKeeper(trimmed) };
  const urls = trimmed.split(',').map((master) => {
    const url = schedulerUrl(master.trim());
    if (url !== null) return url;
    throw refused('Mesos masters as host:port or http(s) URL, several by commas, or zk://host:port,…/path', trimmed);
  });
  return { urls };
}

/** As Mesos reads it: the path begins at the first slash, the servers after the last at sign before it. */
function parseZooKeeper(text: string): MastersAtZooKeeper {
  const expected = 'ZooKeeper as zk://[user:password@]host:port,…/path with a path below /';
  const { authority = '', path = '' } =
    /^zk:\/\/(?<authority>[^/]*)(?<path>(?:\/[^/@]+)+)\/?$/.exec(text)?.groups ?? {};
  const at = authority.lastIndexOf('@');
  const servers = authority
    .slice(at + 1)
    .split(',')
    .map(parseServer);
  const [, user = '', password = ''] = /^([^:]+):(.+)$/s.exec(authority.slice(0, Math.max(at, 0))) ?? [];
  if (path === '' || servers.includes(null) || (at >= 0 && user === '')) throw refused(expected, text);
  return {
    servers: servers.filter((server) => server !== null),
    path,
    ...(at < 0 ? {} : { credential: { user, password } }),
  };
}

function parseServer(server: string): { host: string; port: number } | null {
  const url = parseUrl(`zk://${server}`);
  if (url === null || url.hostname === '' || url.pathname !== '') return null;
  return { host: url.hostname.replaceAll(/^\[|\]$/g, ''), port: url.port === '' ? ZOOKEEPER_PORT : Number(url.port) };
}

/** Null for what is no address of a master. A URL with a password is none: it would be shown in logs. */
function schedulerUrl(master: string): URL | null {
  const url = parseUrl(master.includes('://') ? master : `http://${master}`);
  if (url === null || !/^https?:$/.test(url.protocol)) return null;
  const isAddress = url.username === '' && url.password === '' && ['/', API_PATH].includes(url.pathname);
  return isAddress ? new URL(API_PATH, url) : null;
}

function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

function refused(expected: string, text: string): OperatorError {
  // Whatever stands before an at sign may be a password.
  const shown = text.replace(/^([a-z]*:\/\/)?.*@/is, '$1***@');
  const hint = shown === text ? {} : { hint: "The masters' own principal and secret are given by other options." };
  return new OperatorError('BAD_REQUEST', `Expected ${expected}, got ${JSON.stringify(shown)}`, hint);
}

/**
 * Where the master of a znode takes schedulers. Its content is Mesos's MasterInfo as JSON. By its IP, for which no
 * name service is needed, except with TLS: certificates are made for names. Null when it says neither.
 */
export function masterUrl(json: string, secure: boolean): URL | null {
  const info = parseInfo(json);
  const { hostname, ip } = info?.address ?? {};
  const host = secure ? (hostname ?? ip) : (ip ?? hostname);
  const port = info?.address?.port;
  if (host === undefined || port === undefined) return null;
  return parseUrl(`${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}${API_PATH}`);
}

function parseInfo(json: string): { address?: { hostname?: string; ip?: string; port?: number } } | null {
  try {
    return JSON.parse(json) as ReturnType<typeof parseInfo>;
  } catch {
    return null;
  }
}
