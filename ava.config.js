export default {
  extensions: ['ts'],
  files: ['spec/**/*.test.ts'],
  workerThreads: false,
  concurrency: 2,
  timeout: '5m',
};
