import type { ClusterJob, Step } from '../model/cluster-job.ts';
import type { JobError } from '../model/step.ts';
import { nodeBackups } from './result.ts';
import { endedKeyspaces, jobError } from './steps.ts';

/**
 * Tables that some nodes of an adoption have and others do not. A snapshot has a folder for every table on every node, be it empty, and the
 * forerunner stored it with Cassandra's list in it: where there is none its copy failed, of which no word is left.
 */
export function absentTables(job: ClusterJob): JobError[] {
  if (job.type !== 'ADOPT') return [];
  const parts = nodeBackups(job);
  const adopted = new Map(parts.flatMap((step) => tablesOf(step).filter(({ isGood }) => isGood)).map(named));
  return parts.flatMap((step) => {
    const told = new Set(tablesOf(step).map((each) => named(each)[0]));
    return [...adopted]
      .filter(([name]) => !told.has(name))
      .map(([name, { keyspace, table }]) =>
        jobError(
          'BACKUP_INCOMPLETE',
          `other nodes have ${name}, this one has no folder of it: was its copy cut short?`,
          {
            executorId: step.executorId,
            keyspace,
            table,
          },
        ),
      );
  });
}

interface Told {
  keyspace: string;
  table: string;
  isGood: boolean;
}

function tablesOf({ report }: Step): Told[] {
  return [...endedKeyspaces(report)].flatMap(([keyspace, { tables }]) =>
    Object.entries(tables).map(([table, { error }]) => ({ keyspace, table, isGood: error === null })),
  );
}

function named(told: Told): [name: string, Told] {
  return [`${told.keyspace}.${told.table}`, told];
}
