// A process that does one step at a directory: run-step-child.ts <location> <request as JSON> [node's directory]. See crash-at.ts.
import type { StepRequest } from '../../src/model/step.ts';
import { nodeIn, runStepAt, runStepOn } from './run-step-at.ts';

const [location = '', text = '{}', work] = process.argv.slice(2);
const request = JSON.parse(text) as Partial<StepRequest>;
const { state, message } =
  work === undefined ? await runStepAt(location, request) : await runStepOn(nodeIn(work), location, request);
if (state !== 'TASK_FINISHED') throw new Error(message);
