import test from 'ava';
import { jobJson } from '../../src/jobs/job-json.ts';
import { error, id, report } from './helpers.ts';
import { ticker, type Ticker } from './ticker.ts';

function json(turned: Ticker) {
  return jobJson(turned.job, turned.nodes);
}

function numbers(ids: string[]): string {
  return ids.map((executorId) => /\.(\d+)\.executor/.exec(executorId)?.[1]).join('');
}

/** Remaining | current | completed | all current ones. */
function placesOf(turned: Ticker): string {
  const { remainingNodes, currentNode, completedNodes, currentNodes } = json(turned);
  return [
    numbers(remainingNodes),
    numbers(currentNode ? [currentNode.executorId] : []),
    numbers(completedNodes.map(({ executorId }) => executorId)),
    numbers(currentNodes.map(({ executorId }) => executorId)),
  ].join('|');
}

test('nodes of a serial backup go from remaining over current to completed', (t) => {
  const turned = ticker('BACKUP');
  t.is(placesOf(turned), '012|||');
  t.is(placesOf(turned.tick()), '12|0||0');
  t.is(placesOf(turned.end()), '12||0|');
  t.is(placesOf(turned.tick()), '2|1|0|1');
  t.is(placesOf(turned.end().tick().end()), '||012|');
  t.is(placesOf(turned.tick()), '||012|');
});

test('a parallel backup shows all nodes at work, and the first of them as the current one', (t) => {
  const turned = ticker('BACKUP', 3, { strategy: 'parallel', concurrency: 2 }).tick();
  t.is(placesOf(turned), '2|0||01');
});

test('completed nodes come in the order in which they ended', (t) => {
  const turned = ticker('BACKUP', 2, { strategy: 'parallel', concurrency: 2 }).tick();
  turned.now += 5;
  turned.status(turned.step('backup', 1).taskId ?? '', 'FINISHED', report());
  turned.now += 5;
  turned.status(turned.step('backup', 0).taskId ?? '', 'FINISHED', report());
  t.is(placesOf(turned), '||10|');
});

test('a node of a restore is completed when its verification ended, and check and truncation are not its work', (t) => {
  const turned = ticker('RESTORE', 2);
  t.is(placesOf(turned.tick()), '01|||');
  t.is(placesOf(turned.until('stage')), '1|0||0');
  t.is(placesOf(turned.until('truncate')), '01|||');
  t.is(placesOf(turned.until('load')), '1|0||0');
  t.is(placesOf(turned.until('verify')), '|0||01');
  t.is(placesOf(turned.end()), '||01|');
});

test('a node that waits for another attempt is among the remaining', (t) => {
  const turned = ticker('BACKUP', 1)
    .tick()
    .end(() => 'LOST');
  t.is(placesOf(turned), '0|||');
});

test('nodes that an abort left out stay among the remaining', (t) => {
  const turned = ticker('BACKUP').tick().abort().end().tick();
  t.is(turned.job.result, 'ABORTED');
  t.is(placesOf(turned), '12||0|');
  t.true(json(turned).aborted);
});

test('the nodes of a refused restore stay among the remaining', (t) => {
  const turned = ticker('RESTORE', 2);
  turned.run(({ phase }) => (phase === 'check' ? error('BACKUP_DAMAGED', 'x') : undefined));
  t.is(placesOf(turned), '01|||');
  t.deepEqual(
    json(turned).errors.map(({ code, executorId }) => [code, executorId]),
    [
      ['BACKUP_DAMAGED', id(0)],
      ['BACKUP_DAMAGED', id(1)],
    ],
  );
});
