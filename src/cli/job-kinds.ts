/** A kind of cluster job as the command line knows it. */
export interface JobKind {
  /** Group of commands. */
  command: string;
  /** Below /cluster/ in REST. */
  path: string;
  /** Field of the job in what `status` and `last` answer. */
  key: string;
  /** In a sentence. */
  noun: string;
  /** Parameters of `start`, under the names that REST gives them. Null: started by another command. */
  options: readonly StartOption[] | null;
}

export type StartOption = keyof typeof START_OPTIONS;

/** Flags and help of every parameter that a `start` may take. */
export const START_OPTIONS = {
  name: ['--name <name>', 'name of the backup; of a new one by default backup-<epoch ms>'],
  location: ['--location <url>', "where backups lie (default: the scheduler's)"],
  keyspaces: ['--keyspaces <list>', 'only these keyspaces, with commas between'],
  tables: ['--tables <list>', 'only these tables, each as keyspace.table'],
  nodes: ['--nodes <list>', 'only these nodes, by executor id, hostname or ip'],
  strategy: ['--strategy <strategy>', 'serial: one node at a time; parallel: several'],
  concurrency: ['--concurrency <n>', 'how many nodes at a time with --strategy parallel'],
  snapshot: ['--snapshot <when>', "each: at the node's turn; together: on all nodes first"],
  mode: ['--mode <mode>', 'incremental: only send what no earlier backup holds; full: send everything'],
  rehash: ['--rehash', 'read every file again, whatever is known of it'],
  resume: ['--resume', 'go on with the backup of that name, which is not whole'],
  bandwidth: ['--bandwidth <rate>', 'at most so many bytes per second on each node, such as 50MB/s'],
  clusterBandwidth: ['--cluster-bandwidth <rate>', 'at most so many on all nodes together'],
} as const satisfies Record<string, readonly [flags: string, text: string]>;

const PACE = ['strategy', 'concurrency'] as const;
const BANDWIDTH = ['bandwidth', 'clusterBandwidth'] as const;

export const JOB_KINDS: readonly JobKind[] = [
  kind('backup', [
    'name',
    'location',
    'keyspaces',
    'tables',
    'nodes',
    ...PACE,
    ...BANDWIDTH,
    'snapshot',
    'mode',
    'rehash',
    'resume',
  ]),
  kind('restore', ['name', 'location', 'keyspaces', 'tables', ...PACE, ...BANDWIDTH]),
  kind('cleanup', ['keyspaces', 'nodes', ...PACE]),
  kind('repair', ['keyspaces', 'nodes', ...PACE]),
  { ...kind('rolling-restart', ['nodes', ...PACE]), key: 'clusterRestart', noun: 'rolling restart' },
  { ...kind('removal', null), path: 'remove', key: 'remove', noun: 'removal of a node' },
  { ...kind('verification', null), path: 'verify', key: 'verify', noun: 'verification of a backup' },
  { ...kind('deletion', null), path: 'delete', key: 'delete', noun: 'deletion of a backup' },
  { ...kind('pruning', null), path: 'prune', key: 'prune', noun: 'pruning of backups' },
  { ...kind('sweeping', null), path: 'sweep', key: 'sweep', noun: 'sweep of a location' },
  { ...kind('renaming', null), path: 'rename', key: 'rename', noun: "renaming of an executor's backups" },
  { ...kind('adoption', null), path: 'adopt', key: 'adopt', noun: 'adoption of a backup' },
];

function kind(name: string, options: JobKind['options']): JobKind {
  return { command: name, path: name, key: name, noun: name, options };
}
