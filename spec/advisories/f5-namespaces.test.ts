// Namespaces of a wrong owner: they must belong to the container's user namespace, not to the host's. The matrix of what may be new
// or joined is in spec/helper/namespaces.test.ts; here is what a plan in the wrong order gives away.
import test, { type ExecutionContext } from 'ava';
import type { Linux, Namespace } from '../../runtime/config/config.ts';
import { CLONE_NEWUSER, namespaceFlags } from '../../runtime/plan/constants/namespaces.ts';
import type { Plan } from '../../runtime/plan/ops.ts';
import { holdProcess } from '../support/hold-process.ts';
import { probeSettings } from '../support/run-process.ts';
import { skipUnless } from '../support/skip.ts';

const maps = {
  uidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
  gidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
};
const uts = namespaceFlags.uts;

test('a new namespace beside a joined user namespace belongs to that one', async (t) => {
  if (skipUnless(t, 'root', process.getuid?.() === 0)) return;
  t.deepEqual(await foreignOwners(await beside(t)), []);
});

test('a new namespace beside a joined user namespace belongs to that one: not if it is made before the join', async (t) => {
  if (skipUnless(t, 'root', process.getuid?.() === 0)) return;
  // The outer clone makes what the inner one should.
  const early = (plan: Plan, depth = 0): Plan =>
    plan.map((op) => {
      if (op.op !== 'clone') return op;
      return { ...op, flags: depth === 0 ? op.flags | uts : op.flags & ~uts, program: early(op.program, depth + 1) };
    });
  t.deepEqual(await foreignOwners(await beside(t), early), ['uts']);
});

test('new namespaces beside a new user namespace belong to it', async (t) => {
  if (skipUnless(t, 'root', process.getuid?.() === 0)) return;
  t.deepEqual(await foreignOwners({ namespaces: [{ type: 'user' }, { type: 'uts' }], ...maps }), []);
});

test('new namespaces beside a new user namespace belong to it: not if init makes that one later', async (t) => {
  if (skipUnless(t, 'root', process.getuid?.() === 0)) return;
  const late = (plan: Plan): Plan =>
    plan.flatMap((op): Plan => {
      if (op.op !== 'clone') return [op];
      const program: Plan = [
        { op: 'unshare', pointer: '', flags: CLONE_NEWUSER },
        { op: 'notifyParent', pointer: '', stage: 1 },
        ...op.program,
      ];
      return [
        { ...op, flags: op.flags & ~CLONE_NEWUSER, program },
        { op: 'waitForChild', pointer: '', stage: 1 },
      ];
    });
  t.deepEqual(await foreignOwners({ namespaces: [{ type: 'user' }, { type: 'uts' }], ...maps }, late), ['uts']);
});

async function beside(t: ExecutionContext): Promise<Linux> {
  const pid = await holdProcess(t, { linux: { namespaces: [{ type: 'user' }], ...maps } });
  const namespaces: Namespace[] = [{ type: 'user', path: `/proc/${pid}/ns/user` }, { type: 'uts' }];
  return { namespaces };
}

async function foreignOwners(linux: Linux, change: (plan: Plan) => Plan = (plan) => plan): Promise<string[]> {
  const { namespaceOwners, namespaces } = await probeSettings({ linux }, { change });
  return namespaceOwners['uts'] === namespaces['user'] ? [] : ['uts'];
}
