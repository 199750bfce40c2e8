// ava in the test VM: what only a machine with systemd and the controllers of cgroup v2 can show, and what skips elsewhere.
export default {
  extensions: ['ts'],
  files: ['spec/vm/**/*.test.ts'],
  workerThreads: false,
  concurrency: 2,
  timeout: '10m',
};
