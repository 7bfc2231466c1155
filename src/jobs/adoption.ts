import { OperatorError } from '../errors.ts';
import { checkBackupName } from '../model/backup-name.ts';
import type { ClusterJob } from '../model/cluster-job.ts';
import type { GivenCredentials } from '../model/credentials.ts';
import { NO_MAP, unreadableMessage, type ForeignBackup, type NodeMap } from '../model/foreign-backup.ts';
import { frameworkName, isMember, type ClusterNode } from '../model/node.ts';
import type { BackupCatalogue } from './backup-catalogue.ts';
import { remembered, type Candidate } from './catalogue.ts';
import { stepsOf } from './steps.ts';

/**
 * What lies there without a record may be adopted: whose it is the nodes find out, who may be the only ones to see it. Throws NAME_TAKEN for
 * what has a record, or has one as far as is known.
 */
export function checkCanBeAdopted(candidate: Candidate): void {
  const { name, location, found } = candidate;
  const state = found.state === 'UNKNOWN' ? remembered(candidate) : found.state;
  if (state === 'ABSENT' || state === 'INCOMPLETE' || state === 'UNKNOWN') return;
  const message = `Backup name ${name} is already used at ${location} by a backup that is ${state}`;
  throw new OperatorError('NAME_TAKEN', message, {
    hint: 'A name is used once: rename the folders of what is to be adopted.',
  });
}

/** What is to be adopted. */
interface Wanted {
  name: string;
  from?: string | undefined;
  location?: string | undefined;
  credentials?: GivenCredentials | undefined;
  nodeMap?: NodeMap | undefined;
}

/**
 * Throws NAME_INVALID, and where it can be seen from here BACKUP_NOT_FOUND when nothing of that name is there to be adopted, SCHEMA_MISMATCH
 * when no Cassandra of ours can read it, TOPOLOGY_MISMATCH when it is of other nodes. That the name has a record already the start of the job says.
 */
export async function checkIsForeign(
  catalogue: Pick<BackupCatalogue, 'list' | 'foreign'>,
  cluster: string,
  wanted: Wanted,
  nodes: readonly ClusterNode[],
): Promise<void> {
  const { name, from, credentials } = wanted;
  checkBackupName(name);
  const { location, seen, backups } = await catalogue.foreign(wanted.location, credentials);
  const folders = from === undefined ? [frameworkName(cluster), cluster, name] : [from];
  // Only the forerunner's folder holds backups by name: what is one by itself may be given any.
  const isWanted = (backup: ForeignBackup): boolean => backup.name === name || backup.madeBy !== 'cassandra-mesos';
  const found = backups.find((backup) => folders.includes(backup.framework) && isWanted(backup));
  const message = found === undefined ? null : unreadableMessage(found.sstableVersions);
  if (message !== null) throw new OperatorError('SCHEMA_MISMATCH', message);
  if (found !== undefined) return checkNodes(found, wanted.nodeMap ?? {}, nodes.filter(isMember));
  if (!seen || (await catalogue.list(location, credentials)).some((backup) => backup.name === name)) return;
  const others = backups.filter((backup) => backup.name === name).map(({ framework }) => framework);
  throw new OperatorError(
    'BACKUP_NOT_FOUND',
    `There is no backup ${name} of another program in ${folders.join(' or ')} at ${location}`,
    {
      hint:
        others.length > 0
          ? `One is in ${others.join(', ')}: say from=${others[0]}.`
          : 'GET /cluster/backups/foreign lists what can be adopted.',
    },
  );
}

/** Whose folder is whose the nodes find out; here it is seen to that none is left that nobody adopts, nor one that two do. */
function checkNodes(
  { madeBy, framework, nodes: folders }: ForeignBackup,
  nodeMap: NodeMap,
  nodes: ClusterNode[],
): void {
  if (madeBy === 'cassandra-mesos') {
    if (Object.keys(nodeMap).length > 0) throw new OperatorError('BAD_REQUEST', NO_MAP);
    return;
  }
  const numbers = new Set(nodes.map(({ number }) => number));
  for (const [folder, number] of Object.entries(nodeMap)) {
    if (folders.includes(folder) && numbers.has(number)) continue;
    const message = `Expected in nodeMap folders of ${framework} (${folders.join(', ')}) and numbers of nodes (${[...numbers].join(', ')}), got ${folder}=${number}`;
    throw new OperatorError('BAD_REQUEST', message);
  }
  const hint = 'Adopt it on a cluster with as many nodes as it was made of, each with the tokens of one of them.';
  if (folders.length > nodes.length) {
    const message = `${framework} has the folders of ${folders.length} nodes (${folders.join(', ')}), and this cluster has ${nodes.length}: what some have stored would be missing`;
    throw new OperatorError('TOPOLOGY_MISMATCH', message, { hint });
  }
  const free = nodes.filter(({ number }) => !Object.values(nodeMap).includes(number));
  for (const folder of folders.filter((each) => nodeMap[each] === undefined)) {
    const claimants = free.filter(({ hostname }) => hostname === folder);
    if (claimants.length < 2) continue;
    const message = `${claimants.map(({ executorId }) => executorId).join(' and ')} are all on host ${folder}: whose folder that is cannot be told`;
    throw new OperatorError('TOPOLOGY_MISMATCH', message, {
      hint: `Say whose it is: nodeMap=${folder}=<node number>.`,
    });
  }
}

/**
 * True for an adoption that ended without a record. What lies there is what it was before, another program's, and to be remembered with no
 * time of ours: a retention policy must not take it for an old backup.
 */
export function isStillForeign(job: ClusterJob): boolean {
  return (
    job.type === 'ADOPT' && job.finished !== null && !stepsOf(job, 'commit').some(({ state }) => state === 'SUCCESS')
  );
}
