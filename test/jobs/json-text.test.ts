import test from 'ava';
import * as fc from 'fast-check';
import { jobJson } from '../../src/jobs/job-json.ts';
import { jsonText, lasting } from '../../src/jobs/json-text.ts';
import { ticker } from './ticker.ts';

test('the text is that of JSON.stringify, the first time and the second', (t) => {
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.string(), fc.option(fc.jsonValue(), { nil: undefined }))), (values) => {
      const whole = { values: values.map((value, index) => (index % 2 === 0 ? lasting(value) : value)) };
      for (const time of [1, 2]) t.is(jsonText(whole), JSON.stringify(whole), `time ${time}`);
    }),
  );
  for (const value of [null, undefined, 'a "word"', 1.5, true]) t.is(jsonText([value]), JSON.stringify([value]));
});

test('the text of a job is always that of the job as it is', (t) => {
  const turned = ticker('BACKUP', 4, { snapshot: 'together' });
  while (turned.job.finished === null) {
    turned.tick(1_000).end();
    const json = jobJson(turned.job, turned.nodes);
    t.is(jsonText(json), JSON.stringify(json));
  }
});
