import { join } from 'node:path';

// Scenarios on one real ring of three, one after the other.
export default {
  extensions: ['ts'],
  files: ['test/scenarios/*.test.ts'],
  timeout: '8m',
  concurrency: 1,
  serial: true,
  workerThreads: false,
  environmentVariables: { NODE_COMPILE_CACHE: join(import.meta.dirname, '.cache/compiled') },
};
