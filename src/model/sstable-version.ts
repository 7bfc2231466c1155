/** Cassandra up to 2.1 puts keyspace and table first: `shop-users-ka-7-Data.db`. */
const EARLY_NAME = /^\w+-[\w.]+-(?:tmp-|tmplink-)?([a-z]{2})-\d+-[^/]+$/;
const NAME = /^([a-z]{2})-(?:\d+|[0-9a-z]{4}_[0-9a-z]{4}_[0-9a-z]{18})-(?:big|bti)-[^/]+$/;

/** The first version whose files are named as Cassandra names them today; what Cassandra 4 and 5 begin to read with. */
const OLDEST = 'ma';

/** First letter of a version to the Cassandra that wrote it. */
const WRITTEN_BY: Readonly<Record<string, string>> = {
  i: '1.2',
  j: '2.0',
  k: '2.1',
  l: '2.2',
  m: '3.0 or 3.11',
  n: '4.0 or 4.1',
  o: '5.0',
  d: '5.0',
};

/** Cassandra's BigFormat: the last first letter that a major version reads. Of later ones it is not known. */
const NEWEST: Readonly<Record<string, string>> = { 3: 'm', 4: 'n', 5: 'o' };

export interface Unreadable {
  message: string;
  hint: string;
}

/** The format version that the name of an SSTable's file says: `nb` of `nb-1-big-Data.db`. Null: it is no such name. */
export function sstableVersion(name: string): string | null {
  return NAME.exec(name)?.[1] ?? EARLY_NAME.exec(name)?.[1] ?? null;
}

/**
 * Why SSTables of a format version cannot be taken by a node of a release; null when they can. Without a release: by no node that we
 * run. After Cassandra's BigFormat and BtiFormat (`earliest_supported_version`, `isCompatible`).
 */
export function whyUnreadable(version: string, release: string | null): Unreadable | null {
  const [letter = ''] = version;
  const writer = WRITTEN_BY[letter] ?? null;
  const what = `SSTables of version ${version} (Cassandra ${writer ?? 'of another kind or time'})`;
  const major = release === null ? null : String(Number.parseInt(release, 10));
  // The trie-indexed format counts for itself; `da` is its first.
  const isTrie = letter === 'd';
  if (!isTrie && version < OLDEST) {
    return {
      message: `${what} cannot be read: ${release === null ? 'Cassandra' : `Cassandra ${release}`} takes ${OLDEST} (3.0) and later ones`,
      hint: isReadBy311(letter)
        ? 'Cassandra 3.11 reads them: restore them into such a cluster and run nodetool upgradesstables there, or run its sstableupgrade on a copy of the files; then adopt what that wrote.'
        : 'A Cassandra of their time reads them: upgrade them there, one major version after the other, and adopt what the last one wrote.',
    };
  }
  const isTooNew = major !== null && (isTrie ? Number(major) < 5 : letter > (NEWEST[major] ?? 'z'));
  if (!isTooNew) return null;
  return {
    message: `${what} cannot be read by the older Cassandra ${release}`,
    hint: `Upgrade the cluster${writer === null ? '' : ` to Cassandra ${writer}`} first.`,
  };
}

/** Its BigFormat begins with `jb`. */
function isReadBy311(letter: string): boolean {
  return letter >= 'j' && letter <= 'l';
}
