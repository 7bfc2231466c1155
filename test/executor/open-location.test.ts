import test from 'ava';
import { OperatorError } from '../../src/errors.ts';
import { openLocation, withHint, type HowToOpen } from '../../src/executor/open-location.ts';
import type { StepRequest } from '../../src/model/step.ts';
import { makeHost, stepRequest } from '../helpers/step-context.ts';

test('only what brings something makes the place, and only what others wait for is not patient with it', async (t) => {
  const { storage } = await makeHost(t);
  const opened = async (change: Partial<StepRequest>): Promise<string[]> => {
    const asked: HowToOpen[] = [];
    const open = (_location: string, how: HowToOpen) => Promise.resolve((asked.push(how), storage));
    t.is(await openLocation(stepRequest(change), open), storage);
    return asked.map(({ create, patient }) => `${create ? 'make' : 'find'}${patient ? '' : ' soon'}`);
  };
  t.deepEqual(await opened({ phase: 'preflight' }), ['make soon']);
  t.deepEqual(await opened({ phase: 'preflight', type: 'ADOPT' }), ['find soon']);
  t.deepEqual(await opened({ phase: 'backup' }), ['make']);
  t.deepEqual(await opened({ phase: 'backup', type: 'ADOPT' }), ['find']);
  t.deepEqual(await opened({ phase: 'check', type: 'RESTORE' }), ['find soon', 'find']);
  t.deepEqual(await opened({ phase: 'stage', type: 'RESTORE' }), ['find']);
  t.deepEqual(await opened({ phase: 'inspect', type: 'VERIFY' }), ['find soon', 'find']);
});

test('an error says what to do in its message, once', async (t) => {
  const cause = new OperatorError('STORAGE_FAILED', 'NoSuchBucket', { hint: 'Make the bucket.', details: { a: 1 } });
  const error = await t.throwsAsync(
    openLocation(stepRequest(), () => Promise.reject(cause)),
    { code: 'STORAGE_FAILED', message: 'NoSuchBucket. Make the bucket.', instanceOf: OperatorError },
  );
  t.is(error?.cause, cause);
  t.deepEqual(error?.details, { a: 1 });
  t.is(withHint(error), error);
  const sentence = withHint(new OperatorError('STORAGE_FAILED', 'There is no bucket.\n', { hint: 'Make it.' }));
  t.is((sentence as Error).message, 'There is no bucket. Make it.');
  const said = new OperatorError('SCHEMA_MISMATCH', 'Too old. Upgrade it.', { hint: 'Upgrade it.' });
  t.is((withHint(said) as Error).message, 'Too old. Upgrade it.');
  const other = new Error('broken');
  t.is(withHint(other), other);
});
