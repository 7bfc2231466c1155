import { OperatorError } from '../errors.ts';
import type { RetentionPolicy } from '../model/retention.ts';
import type { BackupState } from '../state/backups.ts';

/** What the policy looks at. Times are epoch ms. */
export interface RetentionCandidate {
  name: string;
  state: BackupState;
  started: number | null;
  finished: number | null;
}

export interface RetentionPlan {
  /** The newest first, each with every reason for which it stays. */
  keep: { name: string; reasons: string[] }[];
  delete: string[];
}

const RULES = ['keepLast', 'keepDaily', 'keepWeekly', 'keepMonthly'] as const;

/** Throws BAD_REQUEST where the policy would keep nothing, or its time zone is none. */
export function checkPolicy(policy: RetentionPolicy): void {
  if (RULES.every((rule) => (policy[rule] ?? 0) === 0)) {
    throw new OperatorError('BAD_REQUEST', `Expected a policy with one of ${RULES.join(', ')}, got none`, {
      hint: 'A policy that keeps nothing would delete every backup.',
    });
  }
  try {
    dayOf(0, policy.timeZone);
  } catch (error) {
    throw new OperatorError('BAD_REQUEST', `Expected a time zone such as Europe/Berlin, got ${policy.timeZone}`, {
      cause: error,
    });
  }
}

/**
 * Which backups a policy keeps and which it lets go. Only whole ones count for its rules, and the newest whole one always stays. One that is
 * not whole is of use only while no newer whole one is there. What is at work, has no time or one in the future stays.
 */
export function planRetention(
  backups: readonly RetentionCandidate[],
  policy: RetentionPolicy,
  now: number,
): RetentionPlan {
  checkPolicy(policy);
  const dated = backups
    .map((backup) => ({ ...backup, time: backup.finished ?? backup.started }))
    .toSorted((a, b) => (b.time ?? Infinity) - (a.time ?? Infinity) || (a.name < b.name ? -1 : 1));
  const reasons = new Map<string, string[]>(dated.map(({ name }) => [name, []]));
  const keep = (name: string, reason: string): void => void reasons.get(name)?.push(reason);

  const past: { name: string; time: number; state: BackupState }[] = [];
  for (const { name, state, time } of dated) {
    if (state === 'RUNNING' || state === 'DELETING')
      keep(name, state === 'RUNNING' ? 'is being made' : 'is being deleted');
    else if (time === null) keep(name, 'nothing says when it was made');
    else if (time > now) keep(name, 'its time is in the future');
    else past.push({ name, state, time });
    if (time !== null && time <= now && now - time < (policy.minAgeMs ?? 0)) keep(name, 'younger than the minimum age');
  }

  const whole = past.filter(({ state }) => state === 'COMPLETE');
  const newest = whole[0];
  if (newest) keep(newest.name, 'the newest whole one');
  for (const { name } of whole.slice(0, policy.keepLast ?? 0)) keep(name, `one of the last ${policy.keepLast}`);
  for (const [rule, of] of CALENDAR) {
    const seen = new Set<string>();
    for (const { name, time } of whole) {
      const period = of(time, policy.timeZone);
      if (seen.has(period) || seen.size >= (policy[rule] ?? 0)) continue;
      seen.add(period);
      keep(name, `the newest of ${period}`);
    }
  }
  for (const { name, state, time } of past) {
    if (state !== 'COMPLETE' && (newest === undefined || time > newest.time)) {
      keep(name, `${state.toLowerCase()}, and no whole one is newer`);
    }
  }
  const all = [...reasons];
  return {
    keep: all.flatMap(([name, told]) => (told.length === 0 ? [] : [{ name, reasons: told }])),
    delete: all.flatMap(([name, told]) => (told.length === 0 ? [name] : [])),
  };
}

const CALENDAR = [
  ['keepDaily', dayOf],
  ['keepWeekly', weekOf],
  ['keepMonthly', (time: number, timeZone: string) => dayOf(time, timeZone).slice(0, 7)],
] as const;

/** `2026-11-20`, as the calendar of the zone has it. */
function dayOf(time: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
    .formatToParts(time)
    .map(({ type, value }) => [type, value] as const);
  const { year = '', month = '', day = '' } = Object.fromEntries(parts) as Record<string, string>;
  return `${year.padStart(4, '0')}-${month}-${day}`;
}

/** `the week from 2026-11-16`: weeks begin on Monday (ISO 8601). */
function weekOf(time: number, timeZone: string): string {
  const day = new Date(`${dayOf(time, timeZone)}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7));
  return `the week from ${day.toISOString().slice(0, 10)}`;
}
