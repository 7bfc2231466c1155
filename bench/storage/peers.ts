import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXECUTOR_NODE_OPTIONS, EXECUTOR_VARIABLES } from '../../src/bin/launch-on-agents.ts';
import { KEY } from '../../test/storage/versitygw.ts';
import type { Tool } from './tool.ts';

const CACHE = join(import.meta.dirname, '../../.cache');
const RCLONE = join(CACHE, 'rclone/v1.71.0');
const MEDUSA = join(CACHE, 'medusa/0.31.0');

/** As an executor does it. */
export const ours: Tool = {
  name: 'ours',
  command: (direction, { store, folder }) => [
    process.execPath,
    ...EXECUTOR_NODE_OPTIONS,
    join(import.meta.dirname, 'ours.ts'),
    direction,
    store.location,
    folder,
  ],
  env: ({ store }) => ({ ...EXECUTOR_VARIABLES, ...store.env }),
};

const CURLS = 4;

/** The limit: bytes in order, hashed by nobody, each curl's files over one connection. */
export const curl: Tool = {
  name: `curl ×${CURLS}`,
  command: (direction, { store, folder, names }) => {
    const what = direction === 'up' ? 'upload-file' : 'output';
    for (let lane = 0; lane < CURLS; lane += 1) {
      const lines = names
        .filter((_, index) => index % CURLS === lane)
        .map((name) => `${what} = "${join(folder, name)}"\nurl = "${store.curl.url(direction, name)}"\n`);
      writeFileSync(`${folder}.curl${lane}`, lines.join(''));
    }
    const args = store.curl.args(direction).map((arg) => `'${arg}'`);
    const lanes = Array.from({ length: CURLS }, (_, lane) => lane).join(' ');
    return [
      'bash',
      '-c',
      `printf '%s\\n' ${lanes} | xargs -P${CURLS} -I{} curl -sf ${args.join(' ')} -K '${folder}.curl{}'`,
    ];
  },
};

/** Null where there is no Go to compile it. */
export function rclone(): Tool | null {
  if (!install(RCLONE, () => execFileSync('go', ['install', 'github.com/rclone/rclone@v1.71.0'], installEnv(RCLONE))))
    return null;
  return {
    name: 'rclone copy',
    command: (direction, { folder }) => {
      const store = 'bench:rclone/node/data';
      const [from, to] = direction === 'up' ? [folder, store] : [store, folder];
      // Also what is there already, from the round before.
      return [join(RCLONE, 'rclone'), 'copy', '--ignore-times', from, to];
    },
    env: ({ store }) => ({
      RCLONE_CONFIG_BENCH_TYPE: 's3',
      RCLONE_CONFIG_BENCH_PROVIDER: 'Other',
      RCLONE_CONFIG_BENCH_ENDPOINT: store.endpoint,
      RCLONE_CONFIG_BENCH_REGION: 'us-east-1',
      RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: KEY.id,
      RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: KEY.secret,
    }),
  };
}

/** Null where there is no Python to install it. */
export function medusa(): Tool | null {
  const made = install(MEDUSA, () => {
    execFileSync('python3', ['-m', 'venv', MEDUSA]);
    execFileSync(join(MEDUSA, 'bin/pip'), ['install', '-q', 'cassandra-medusa==0.31.0']);
  });
  if (!made) return null;
  return {
    name: 'Medusa',
    command: (direction, { store, folder }) => {
      const { hostname, port } = new URL(store.endpoint);
      const text = `[default]\naws_access_key_id = ${KEY.id}\naws_secret_access_key = ${KEY.secret}\n`;
      writeFileSync(`${folder}.key`, text, { mode: 0o600 });
      const script = join(import.meta.dirname, 'medusa_transfer.py');
      return [join(MEDUSA, 'bin/python'), script, direction, hostname, port, folder];
    },
    env: ({ folder }) => ({ MEDUSA_KEY_FILE: `${folder}.key` }),
  };
}

function installEnv(directory: string) {
  return { env: { ...process.env, GOBIN: directory } };
}

function install(directory: string, act: () => void): boolean {
  if (existsSync(join(directory, 'installed'))) return true;
  try {
    mkdirSync(directory, { recursive: true });
    console.log(`Installing ${directory} …`);
    act();
    writeFileSync(join(directory, 'installed'), '');
    return true;
  } catch (error) {
    console.log(`Left out, it could not be installed: ${String(error)}`);
    return false;
  }
}
