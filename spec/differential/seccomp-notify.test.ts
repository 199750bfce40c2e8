// The same bundle by krun and by runc, each with an agent of its own: what the agent is told and asked, and what comes of its answers.
import { constants } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import { all, type ConfigChange, isRoot, withLinux, withProcess, writableRoot } from '../support/change-config.ts';
import { type Agent, startAgent } from '../support/seccomp-agent.ts';
import { skipUnless } from '../support/skip.ts';
import { others, type RuntimeName, runBy } from './runtimes.ts';

// Numbers of x86_64.
const [mkdir, getcwd] = [83, 79];

for (const noNewPrivileges of [true, false]) {
  test(`an agent is told the same by krun as by runc, and heard the same, with noNewPrivileges ${noNewPrivileges}`, async (t) => {
    if (skipUnless(t, 'root on x86_64 and runc', isRoot && process.arch === 'x64' && others.includes('runc'))) return;
    t.deepEqual(await look(t, 'krun', noNewPrivileges), await look(t, 'runc', noNewPrivileges));
  });
}

async function look(t: ExecutionContext, runtime: RuntimeName, noNewPrivileges: boolean): Promise<unknown> {
  let agent: Agent | undefined;
  const { status, stdout, stderr, bundle } = await runBy(
    t,
    runtime,
    (config) =>
      all(
        writableRoot,
        withProcess({ noNewPrivileges, args: ['/probe', 'mkdir', '/new', ',', 'syscall', `${getcwd}`, '0', '0'] }),
        notifying,
        named,
      )(config),
    async ({ path }) => {
      agent = await startAgent(t, path, { [mkdir]: constants.errno.EDQUOT });
    },
  );
  t.is(status, 0, stderr);
  const { state, descriptors } = (await agent?.state()) ?? {};
  const { ociVersion: _, ...container } = state?.state ?? {}; // runc names its own version
  return {
    descriptors,
    outcomes: JSON.parse(stdout),
    asked: agent?.calls().filter((call) => call === mkdir),
    told: {
      ...state,
      ociVersion: '',
      pid: 0,
      state: {
        ...container,
        samePid: container.pid === state?.pid,
        pid: 0,
        id: container.id === bundle.id,
        bundle: container.bundle === bundle.path,
      },
    },
  };
}

const notifying: ConfigChange = withLinux({
  seccomp: {
    defaultAction: 'SCMP_ACT_ALLOW',
    listenerPath: 'agent',
    listenerMetadata: 'some "metadata"',
    syscalls: [{ names: ['mkdir', 'getcwd'], action: 'SCMP_ACT_NOTIFY' }],
  },
});

const named: ConfigChange = (config) => ({ ...config, annotations: { key: 'value' } });
