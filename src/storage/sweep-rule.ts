import type { BackupRecord } from '../model/backup.ts';

/** What there is of one node's part of a backup. */
export interface FoundPart {
  executorId: string;
  /**
   * OURS: with a document of ours that can be read. FOREIGN: with none. ADOPTED: with one, but another program made the files. UNCLEAR: a
   * document cannot be read or is that of something else.
   */
  maker: 'OURS' | 'FOREIGN' | 'ADOPTED' | 'UNCLEAR';
  /** A readable record names this very manifest. */
  isNamed: boolean;
  /** Epoch ms by the store's own clock of its newest change. */
  newest: number;
}

/** What there is of one backup, without the parts that its record names rightly. */
export interface FoundName {
  /** Its deletion has begun. */
  deleting: boolean;
  /** UNCLEAR: it cannot be read or is that of something else. */
  record: BackupRecord | 'NONE' | 'UNCLEAR';
  /** Epoch ms of the last change of what a verification found; null when there is none. */
  verified: number | null;
  parts: FoundPart[];
  /** There is a record of any backup of the cluster. */
  anyRecord: boolean;
}

/** What is to be done about a backup. */
export interface Verdict {
  /** All of it goes; null: not so. */
  all: string | null;
  /** Folders of these nodes go. */
  parts: FoundPart[];
  /** What a verification found goes. */
  verification: boolean;
  /** In the folders of these nodes files that no manifest names go. */
  extras: string[];
  /** Why something is left alone that an operator should look at; null when there is nothing. */
  left: string | null;
}

/**
 * What of a backup is rubbish. `before` (epoch ms, by the store's own clock): what has changed since is left alone, in case somebody is still at it.
 * Never what cannot be read, what another program made, and what a record names.
 */
export function judge(found: FoundName, before: number): Verdict {
  const verdict: Verdict = { all: null, parts: [], verification: false, extras: [], left: null };
  // It was decided then, and nothing of it can be used any more: whatever its age.
  if (found.deleting) return { ...verdict, all: 'its deletion has begun and was not ended' };
  const unclear = found.parts.filter(({ maker }) => maker === 'UNCLEAR').map(({ executorId }) => executorId);
  if (found.record === 'UNCLEAR') return { ...verdict, left: 'its record cannot be read' };
  if (unclear.length > 0)
    return {
      ...verdict,
      left: `the manifest of ${unclear.join(', ')} is missing, cannot be read or is that of something else`,
    };
  return found.record === 'NONE'
    ? withoutRecord(found, before, verdict)
    : withRecord(found.parts, found.record, before, verdict);
}

function withoutRecord({ parts, verified, anyRecord }: FoundName, before: number, verdict: Verdict): Verdict {
  const isRubbish = parts.length > 0 && parts.every((part) => isOld(part, before));
  // Rather the folder of the records was lost than that no backup was ever ended.
  if (isRubbish && !anyRecord)
    return { ...verdict, left: 'no backup here has a record; if it is of no use, delete it by its name' };
  return {
    ...verdict,
    all: isRubbish
      ? 'an incomplete backup: its record was never written, and nobody has gone on with it since (resume=true would)'
      : null,
    verification: parts.length === 0 && verified !== null && verified <= before,
  };
}

function withRecord(parts: FoundPart[], record: BackupRecord, before: number, verdict: Verdict): Verdict {
  const recorded = new Set(record.nodes.map(({ executorId }) => executorId));
  return {
    ...verdict,
    parts: parts.filter((part) => !recorded.has(part.executorId) && isOld(part, before)),
    // Of one that is not whole the rest may be resumed; what was adopted lies among files of another program.
    extras: record.result === 'SUCCESS' && record.adopted !== true ? [...recorded] : [],
  };
}

function isOld({ maker, isNamed, newest }: FoundPart, before: number): boolean {
  return maker === 'OURS' && !isNamed && newest <= before;
}
