import test from 'ava';
import type { BackupRecord } from '../../src/model/backup.ts';
import { judge, type FoundName, type FoundPart } from '../../src/storage/sweep-rule.ts';
import { exampleRecord, NODE } from './documents.ts';

const BEFORE = 1000;
const NOTHING = { all: null, parts: [], verification: false, extras: [], left: null };

const part = (change: Partial<FoundPart> = {}): FoundPart => ({
  executorId: 'node 1',
  maker: 'OURS',
  isNamed: false,
  newest: BEFORE,
  ...change,
});

const found = (change: Partial<FoundName> = {}): FoundName => ({
  deleting: false,
  record: 'NONE',
  verified: null,
  parts: [part()],
  anyRecord: true,
  ...change,
});

const record = (change: Partial<BackupRecord> = {}): BackupRecord => ({ ...exampleRecord(), ...change });

test('a backup that was never ended goes once all of it is old', (t) => {
  t.regex(judge(found(), BEFORE).all ?? '', /incomplete backup/);
  t.deepEqual(judge(found({ parts: [part(), part({ newest: BEFORE + 1 })] }), BEFORE), NOTHING);
});

test('what another program made, or is being adopted, stays with all that has its name', (t) => {
  for (const maker of ['FOREIGN', 'ADOPTED'] as const) {
    t.deepEqual(judge(found({ parts: [part(), part({ maker })] }), BEFORE), NOTHING, maker);
    t.deepEqual(judge(found({ record: record(), parts: [part({ maker })] }), BEFORE).parts, [], maker);
  }
});

test('what cannot be read stays with all that has its name, and is told', (t) => {
  const unclear = part({ executorId: 'node 2', maker: 'UNCLEAR' });
  t.like(judge(found({ parts: [part(), unclear] }), BEFORE), { all: null, parts: [] });
  t.like(judge(found({ record: 'UNCLEAR', verified: 0 }), BEFORE), { all: null, parts: [], verification: false });
  const { left, ...acts } = judge(found({ record: record({ result: 'SUCCESS' }), parts: [part(), unclear] }), BEFORE);
  t.regex(left ?? '', /node 2/);
  t.like(acts, { all: null, parts: [], extras: [] });
});

test('where no backup has a record, the records were lost rather: then nothing goes that was never ended', (t) => {
  const { all, left } = judge(found({ anyRecord: false }), BEFORE);
  t.is(all, null);
  t.regex(left ?? '', /no backup here has a record/);
  t.is(judge(found({ anyRecord: false, parts: [part({ newest: BEFORE + 1 })] }), BEFORE).left, null);
});

test('a deletion that has begun goes on, however young', (t) => {
  t.regex(judge(found({ deleting: true, record: 'UNCLEAR' }), -1).all ?? '', /deletion has begun/);
});

test('beside a backup the old parts go that its record does not name, unless another record does', (t) => {
  const old = part();
  const verdict = judge(
    found({ record: record(), parts: [old, part({ newest: BEFORE + 1 }), part({ isNamed: true, newest: 0 })] }),
    BEFORE,
  );
  t.deepEqual(verdict.parts, [old]);
  t.is(verdict.all, null);
});

test('files that no manifest names are looked for in whole backups of ours only', (t) => {
  const none = { parts: [] };
  t.deepEqual(judge(found({ ...none, record: record({ result: 'SUCCESS', missing: [] }) }), BEFORE).extras, [NODE]);
  t.deepEqual(judge(found({ ...none, record: record({ result: 'PARTIAL' }) }), BEFORE).extras, []);
  t.deepEqual(judge(found({ ...none, record: record({ result: 'SUCCESS', adopted: true }) }), BEFORE).extras, []);
});

test('the finding of a verification goes when it is old and nothing else has its name', (t) => {
  t.true(judge(found({ parts: [], verified: BEFORE }), BEFORE).verification);
  t.false(judge(found({ parts: [], verified: BEFORE + 1 }), BEFORE).verification);
  t.false(judge(found({ record: record(), parts: [], verified: 0 }), BEFORE).verification);
});
