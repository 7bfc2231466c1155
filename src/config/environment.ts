// The forerunner was configured by its environment alone; what was set for it must not be ignored in silence.
import type { Option } from 'commander';
import { OperatorError } from '../errors.ts';

/** Other names of our variables: the forerunner's. The first of ours that is set wins. */
const ALIASES: Readonly<Record<string, string>> = { MESOS_ZK: 'MESOS_MASTER', DEFAULT_PRINCIPAL: 'MESOS_PRINCIPAL' };

/** Variables that are no options: secrets, and what only clients read. */
const BESIDE_OPTIONS = [
  'CASSANDRA_MESOS_TOKEN',
  'CASSANDRA_MESOS_TOKEN_FILE',
  'CASSANDRA_MESOS_URL',
  'CASSANDRA_WEBHOOK_URL',
  'CASSANDRA_WEBHOOK_URL_FILE',
  'CASSANDRA_WEBHOOK_SECRET',
  'CASSANDRA_WEBHOOK_SECRET_FILE',
  'CASSANDRA_NODE_COUNT',
  'CASSANDRA_LOCAL_DATA',
];

/** Of Cassandra's own scripts and of images: nothing that was meant for us. */
const NOT_OURS = ['CASSANDRA_HOME', 'CASSANDRA_CONF', 'CASSANDRA_INCLUDE', 'CASSANDRA_VERSION', 'CASSANDRA_LOG_DIR'];

/** The forerunner's variables that have no effect any more, and why. */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  CASSANDRA_ZK: 'the state is in SQLite, see CASSANDRA_STATE_DIRECTORY',
  CASSANDRA_ZK_TIMEOUT_MS: 'the state is in SQLite, see CASSANDRA_STATE_DIRECTORY',
  CASSANDRA_BOOTSTRAP_GRACE_TIME_SECONDS: 'the next node starts as soon as all before it are NORMAL',
  MESOS_AUTHENTICATE: 'there is authentication when MESOS_PRINCIPAL is set',
};

/** The forerunner's variables whose one value is as we do it anyway; another one cannot be had. */
const FIXED: Readonly<Record<string, { value: string; reason: string }>> = {
  CASSANDRA_JMX_LOCAL: { value: 'true', reason: 'JMX listens on loopback only' },
  CASSANDRA_JMX_NO_AUTHENTICATION: {
    value: 'true',
    reason: 'JMX listens on loopback only and asks for no password there',
  },
};

const EXTERNAL_DC = /^CASSANDRA_EXTERNAL_DC_(\w+)$/;

/** Schedulers of other datacenters of the same cluster, by `CASSANDRA_EXTERNAL_DC_<name>=<url>`: their seeds are ours too. */
export function externalDcs(env: NodeJS.ProcessEnv): { name: string; url: string }[] {
  return Object.entries(env).flatMap(([variable, url = '']) => {
    const name = EXTERNAL_DC.exec(variable)?.[1];
    if (name === undefined) return [];
    if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return [{ name, url: url.replace(/\/+$/, '') }];
    throw new OperatorError('BAD_REQUEST', `Expected an http or https URL in ${variable}, got ${JSON.stringify(url)}`, {
      hint: "Give the URL of the other datacenter's scheduler, for example http://10.1.0.7:18080.",
    });
  });
}

/** The environment with the forerunner's names turned into ours. */
export function withAliases(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const added = Object.entries(ALIASES).filter(([old, name]) => env[old] !== undefined && env[name] === undefined);
  return { ...env, ...Object.fromEntries(added.map(([old, name]) => [name, env[old]])) };
}

/**
 * Refuses a CASSANDRA_ variable that nobody reads, most likely a misspelt one; returns a warning for each that has no
 * effect any more. MESOS_ variables are not judged: a Mesos agent gives its tasks many.
 */
export function checkEnvironment(env: NodeJS.ProcessEnv, options: Option[]): string[] {
  const known = new Set([...BESIDE_OPTIONS, ...options.flatMap(({ envVar }) => envVar ?? [])]);
  for (const [name, { value, reason }] of Object.entries(FIXED)) {
    const got = env[name];
    if (got !== undefined && got !== value) {
      throw new OperatorError('BAD_REQUEST', `Expected ${name}=${value}, got ${JSON.stringify(got)}: ${reason}`);
    }
  }
  const expected = (name: string): boolean =>
    known.has(name) ||
    EXTERNAL_DC.test(name) ||
    NOT_OURS.includes(name) ||
    Object.hasOwn(WITHOUT_EFFECT, name) ||
    Object.hasOwn(FIXED, name);
  const unknown = Object.keys(env).filter((name) => name.startsWith('CASSANDRA_') && !expected(name));
  if (unknown.length > 0) {
    throw new OperatorError('BAD_REQUEST', `Expected no variable ${unknown.join(', ')}: nothing reads it`, {
      hint: `Known are ${[...known]
        .filter((name) => name.startsWith('CASSANDRA_'))
        .toSorted()
        .join(', ')}.`,
    });
  }
  return Object.entries(WITHOUT_EFFECT)
    .filter(([name]) => env[name] !== undefined)
    .map(([name, reason]) => `${name} has no effect: ${reason}.`);
}
