export default {
  extensions: ['ts'],
  files: ['spec/**/*.test.ts', '!spec/vm/**'],
  workerThreads: false,
  concurrency: 2,
  timeout: '5m',
};
