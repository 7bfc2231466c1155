import { OperatorError } from '../errors.ts';
import { checkBackupName, isBackupName } from '../model/backup-name.ts';

/** Start of the names of unfinished files. No key may use it: such files are not listed and are swept. */
export const TEMPORARY_PREFIX = '.cassandra-mesos-tmp-';

/** Folder of the cluster's records, beside the folders of its nodes. */
const RECORDS = 'backups';

const VERIFIED = '.verified';
const DELETING = '.deleting';
const DOCUMENTS = [
  ['.json', 'record'],
  [VERIFIED, 'verification'],
  [DELETING, 'deletion'],
] as const;

/** Folder of one node's part of a backup, without a `/` at the end. */
export function nodeKey(cluster: string, executorId: string, name: string): string {
  if (executorId === RECORDS) {
    throw new OperatorError('BAD_REQUEST', `Expected an executor id, got "${RECORDS}", the folder of the records`);
  }
  return `${checkPart(cluster, 'cluster')}/${checkPart(executorId, 'executor id')}/${checkBackupName(name)}`;
}

/** Folder of all backups of one node, with a `/` at the end. */
export function nodeFolder(cluster: string, executorId: string): string {
  return `${checkPart(cluster, 'cluster')}/${checkPart(executorId, 'executor id')}/`;
}

/** A file of a node backup; `path` as in its manifest: `<keyspace>/<table>/<component>`. */
export function fileKey(cluster: string, executorId: string, name: string, path: string): string {
  return `${nodeKey(cluster, executorId, name)}/${checkKey(path)}`;
}

/** True for the key of a file of a backup, false for those of all documents: they lie higher. */
export function isFileKey(key: string): boolean {
  return key.split('/').length >= 6;
}

export function manifestKey(cluster: string, executorId: string, name: string): string {
  return `${nodeKey(cluster, executorId, name)}/manifest.json`;
}

/** A manifest that a record names, while that of a resumed backup lies in its place and is not committed. */
export function keptManifestKey(cluster: string, executorId: string, name: string, sha256: string): string {
  return `${nodeKey(cluster, executorId, name)}/manifest-${checkPart(sha256, 'checksum')}.json`;
}

export function schemaKey(cluster: string, executorId: string, name: string): string {
  return `${nodeKey(cluster, executorId, name)}/schema.cql`;
}

/** The cluster's record of a backup: without it the backup is not complete. */
export function recordKey(cluster: string, name: string): string {
  return `${checkPart(cluster, 'cluster')}/${RECORDS}/${checkBackupName(name)}.json`;
}

/** What the last verification of a backup found. Records end in `.json`, so that no backup's name makes the two the same. */
export function verificationKey(cluster: string, name: string): string {
  return `${checkPart(cluster, 'cluster')}/${RECORDS}/${checkBackupName(name)}${VERIFIED}`;
}

/** Stands while a backup is being deleted. */
export function deletionKey(cluster: string, name: string): string {
  return `${checkPart(cluster, 'cluster')}/${RECORDS}/${checkBackupName(name)}${DELETING}`;
}

/** Stands while an executor's folders are being renamed. No backup has a name that begins with a dot. */
export function renamingKey(cluster: string): string {
  return `${checkPart(cluster, 'cluster')}/${RECORDS}/.renaming`;
}

/** Folder of the cluster's records, with a `/` at the end. */
export function recordsPrefix(cluster: string): string {
  return `${checkPart(cluster, 'cluster')}/${RECORDS}/`;
}

/** Folder of what keeps the cluster's folder to one scheduler, see location-lock.ts; with a `/` at the end. */
export function lockPrefix(cluster: string): string {
  return `${recordsPrefix(cluster)}lock/`;
}

const PROBE = 'probe-';

/** A document that a node stores to see whether it can; see preflight.ts. Nothing of a backup, nor a lock. */
export function probeKey(cluster: string, id: string): string {
  return `${lockPrefix(cluster)}${PROBE}${checkPart(id, 'id of a probe')}`;
}

/** True for keys below the prefix of the lock that are those of probes. */
export function isProbe(key: string): boolean {
  return key.slice(key.lastIndexOf('/') + 1).startsWith(PROBE);
}

/** Which document of which backup a name in the folder of the records is; null for anything else. */
export function parseDocumentName(file: string): { kind: 'record' | 'verification' | 'deletion'; name: string } | null {
  for (const [suffix, kind] of DOCUMENTS) {
    const name = file.slice(0, -suffix.length);
    if (file.endsWith(suffix) && isBackupName(name)) return { kind, name };
  }
  return null;
}

/** Executor ids among the folders of a cluster. */
export function nodeFolders(folders: string[]): string[] {
  return folders.filter((folder) => folder !== RECORDS);
}

/** Checks a key and returns it. Throws BAD_REQUEST. */
export function checkKey(key: string): string {
  const problem = keyProblem(key);
  if (problem === null) return key;
  throw new OperatorError('BAD_REQUEST', `Expected a relative key, got ${JSON.stringify(key)}: ${problem}`);
}

/** Checks a prefix for listing: '' or a key that ends with a `/`. Throws BAD_REQUEST. */
export function checkPrefix(prefix: string): string {
  if (prefix === '') return prefix;
  if (!prefix.endsWith('/')) {
    throw new OperatorError('BAD_REQUEST', `Expected a prefix that ends with "/", got ${JSON.stringify(prefix)}`);
  }
  checkKey(prefix.slice(0, -1));
  return prefix;
}

/** Why a key is none, or null. A backslash separates folders on some systems, so no key holds one. */
export function keyProblem(key: string): string | null {
  if (/[\0\\]/.test(key)) return 'it holds a NUL or a backslash';
  for (const part of key.split('/')) {
    if (part === '') return 'a part of it is empty';
    if (part === '.' || part === '..') return `"${part}" is not allowed`;
    if (part.startsWith(TEMPORARY_PREFIX)) return `names with "${TEMPORARY_PREFIX}" are for unfinished files`;
  }
  return null;
}

function checkPart(part: string, what: string): string {
  const problem = part.includes('/') ? 'it holds a "/"' : keyProblem(part);
  if (problem === null) return part;
  throw new OperatorError(
    'BAD_REQUEST',
    `Expected the ${what} as one folder name, got ${JSON.stringify(part)}: ${problem}`,
  );
}
