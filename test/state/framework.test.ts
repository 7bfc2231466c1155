import test from 'ava';
import { newState } from './helpers.ts';

test('a key holds the last value that was set, until it is deleted', (t) => {
  const { framework } = newState(t);
  t.is(framework.get('frameworkId'), null);
  framework.set('frameworkId', 'f-1');
  framework.set('frameworkId', 'f-2');
  framework.set('clusterName', 'dev');
  t.is(framework.get('frameworkId'), 'f-2');
  framework.delete('frameworkId');
  t.is(framework.get('frameworkId'), null);
  t.is(framework.get('clusterName'), 'dev');
});
