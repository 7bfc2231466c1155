// Unit tests: everything but the scenarios, which share a ring (scripts/test.ts starts it).
export default {
  extensions: ['ts'],
  files: ['test/**/*.test.ts', '!test/scenarios/**'],
  timeout: '120s',
};
