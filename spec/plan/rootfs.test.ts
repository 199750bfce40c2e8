import test from 'ava';
import type { Propagation } from '../../runtime/config/config.ts';
import { planRoot, rootfsPath } from '../../runtime/plan/rootfs.ts';
import { configWith, privilegedContext } from '../support/plan-context.ts';

const MS_UNBINDABLE = 1 << 17;
const MS_PRIVATE = 1 << 18;
const MS_SLAVE = 1 << 19;
const MS_SHARED = 1 << 20;

test('root.path is relative to the bundle', (t) => {
  t.is(rootfsPath(configWith(), '/bundle'), '/bundle/rootfs');
  t.is(rootfsPath(configWith({ root: { path: '../rootfs/.' } }), '/bundle'), '/rootfs');
  t.is(rootfsPath(configWith({ root: { path: '/srv/rootfs' } }), '/bundle'), '/srv/rootfs');
});

test('the root is bound privately below a tree that is a slave of the host, then pivoted into', (t) => {
  t.deepEqual(planRoot(configWith(), privilegedContext), {
    isolate: [{ op: 'setPropagation', pointer: '', path: '/', mount: null, propagation: MS_SLAVE, recursive: true }],
    open: [
      {
        op: 'openRoot',
        pointer: '/root/path',
        path: '/bundle/rootfs',
        recursive: true,
        propagation: MS_PRIVATE,
        userNamespace: null,
        root: 'root',
      },
    ],
    pivot: [{ op: 'pivotRoot', pointer: '', root: 'root', propagation: 0, recursive: false }],
    readonly: [],
  });
});

// rootfsPropagation → of / before anything is mounted (always recursive), of the root when it is bound, of the root after pivot_root.
const rows: readonly (readonly [Propagation, number, number, number])[] = [
  ['private', MS_PRIVATE, MS_PRIVATE, 0],
  ['slave', MS_SLAVE, MS_SLAVE, 0],
  ['shared', MS_SLAVE, MS_PRIVATE, MS_SHARED],
  ['unbindable', MS_PRIVATE, MS_PRIVATE, MS_UNBINDABLE],
];

for (const [name, isolation, bound, pivoted] of rows) {
  for (const recursive of [false, true]) {
    const rootfsPropagation = (recursive ? `r${name}` : name) as Propagation;
    test(`rootfsPropagation ${rootfsPropagation} holds for the root, and the host is never a peer before pivot_root`, (t) => {
      const plan = planRoot(configWith({ linux: { rootfsPropagation } }), privilegedContext);
      t.like(plan.isolate[0], { pointer: '/linux/rootfsPropagation', path: '/', propagation: isolation, recursive: true });
      t.like(plan.open[0], { op: 'openRoot', propagation: bound });
      t.like(plan.pivot[0], { op: 'pivotRoot', propagation: pivoted, recursive: pivoted !== 0 && recursive });
    });
  }
}

test('root.readonly is a change of the kept mount, for the very end', (t) => {
  t.deepEqual(planRoot(configWith({ root: { path: 'rootfs', readonly: true } }), privilegedContext).readonly, [
    { op: 'setMountAttributes', pointer: '/root/readonly', mount: 'root', set: 1n, clear: 0n, recursive: false },
  ]);
});

test('layers lie over root.path; without directories of their own writes go to memory', (t) => {
  const layers = { lowers: ['/a', '/b'], writable: null, size: 1n << 40n };
  t.deepEqual(planRoot(configWith(), { ...privilegedContext, layers }).open, [
    {
      op: 'openOverlayRoot',
      pointer: '/root/path',
      lowers: ['/bundle/rootfs', '/a', '/b'],
      upper: '',
      work: '',
      options: [],
      size: 1n << 40n,
      root: 'root',
    },
  ]);
  const writable = { upper: '/u', work: '/w' };
  t.like(planRoot(configWith(), { ...privilegedContext, layers: { ...layers, writable } }).open[0], { upper: '/u', work: '/w' });
});

test('in a user namespace layers keep their notes in user.* attributes', (t) => {
  const layers = { lowers: [], writable: null, size: 0n };
  const config = configWith({ linux: { namespaces: [{ type: 'mount' }, { type: 'user' }] } });
  t.like(planRoot(config, { ...privilegedContext, layers }).open[0], { options: ['userxattr'] });
  t.like(planRoot(configWith(), { ...privilegedContext, layers, inUserNamespace: true }).open[0], { options: ['userxattr'] });
});
