import { availableParallelism } from 'node:os';
import { join } from 'node:path';

// Unit tests: everything but the scenarios, which share a ring (scripts/test.ts starts it).
export default {
  extensions: ['ts'],
  files: ['test/**/*.test.ts', '!test/scenarios/**'],
  timeout: '120s',
  // Many tests wait for servers and processes of their own.
  concurrency: 2 * availableParallelism(),
  // Each file is a thread with modules of its own, and many start processes: what one has compiled the next need not.
  environmentVariables: { NODE_COMPILE_CACHE: join(import.meta.dirname, '.cache/compiled') },
};
