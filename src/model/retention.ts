/**
 * Which backups stay. A backup stays when any rule keeps it; what is not whole counts for none. Left out: the rule keeps nothing; a policy
 * without any rule keeps everything.
 */
export interface RetentionPolicy {
  /** The newest so many. */
  keepLast?: number;
  /** The newest of each of the last so many days, weeks (ISO 8601, from Monday) and months that have one. */
  keepDaily?: number;
  keepWeekly?: number;
  keepMonthly?: number;
  /** Whatever is younger, in ms. */
  minAgeMs?: number;
  /** In which days, weeks and months begin, as `Europe/Berlin`. */
  timeZone: string;
}
