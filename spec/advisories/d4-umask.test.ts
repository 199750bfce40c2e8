// The caller's umask decides over modes in the container, and over that of its process.
import { advisory } from '../support/advisory.ts';
import { runInRootfs } from '../support/in-rootfs.ts';
import type { ProbeReport } from '../support/probe.ts';
import { createDevice, createDirectory, mount, S_IFIFO } from '../support/rootfs-plan.ts';

const setUp = [
  mount('/dev', 'tmpfs'),
  createDirectory('/dev/directory'),
  createDevice('/dev/fifo', { type: S_IFIFO }),
  createDevice('/dev/null'),
];

advisory("modes and the process's umask are the same under any umask of the caller's", 'UMASK', async (stage, binary, t) => {
  const seen: string[] = [];
  for (const umask of ['0777', '0']) {
    const wrapper = ['bash', '-c', `umask ${umask}; exec "$@"`, '-'];
    const args = ['/probe', 'stat', '/dev/directory', ',', 'stat', '/dev/fifo', ',', 'stat', '/dev/null', ',', 'report'];
    const { stdout, failure } = await runInRootfs(stage, { process: { args } }, { binary, wrapper, setUp });
    t.is(failure, null);
    const [directory, fifo, device, report] = JSON.parse(stdout) as [{ mode: number }, { mode: number }, { mode: number }, ProbeReport];
    seen.push([directory.mode, fifo.mode, device.mode, report.umask].map((mode) => (mode & 0o7777).toString(8)).join(' '));
  }
  return seen.filter((modes) => modes !== '755 666 666 22');
});
