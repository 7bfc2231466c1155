// A process that does one step at a directory: run-step-child.ts <location> <request as JSON>. See crash-at.ts.
import type { StepRequest } from '../../src/model/step.ts';
import { runStepAt } from './run-step-at.ts';

const [location = '', request = '{}'] = process.argv.slice(2);
const { state, message } = await runStepAt(location, JSON.parse(request) as Partial<StepRequest>);
if (state !== 'TASK_FINISHED') throw new Error(message);
