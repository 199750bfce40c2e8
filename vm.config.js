// ava in the test VM: what only a machine with systemd and the controllers of cgroup v2 can show, and what skips elsewhere for want
// of them. Any test may be named on the command line: npm run test:vm -- spec/cli/run-many.test.ts
// The engines (spec/vm/engines: docker, podman, buildah, containerd, CRI) take long without KVM: they run when they are named.
const named = process.argv.some((argument) => argument.endsWith('.test.ts'));

const needControllers = [
  'spec/cli/events.test.ts',
  'spec/cli/pause.test.ts',
  'spec/cli/run-cgroup.test.ts',
  'spec/cli/update.test.ts',
  'spec/cli/wait.test.ts',
  'spec/container/exec-cgroup.test.ts',
  'spec/helper/cgroup.test.ts',
];

const needKernel = ['spec/cli/checkpoint-pre-dump.test.ts'];

export default {
  extensions: ['ts'],
  files: named ? ['spec/**/*.test.ts'] : ['spec/vm/*.test.ts', ...needControllers, ...needKernel],
  workerThreads: false,
  concurrency: 2,
  timeout: '15m',
};
