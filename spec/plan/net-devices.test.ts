import test from 'ava';
import { planNetDevices } from '../../runtime/plan/net-devices.ts';

test('without netDevices nobody waits', (t) => {
  t.deepEqual(planNetDevices({ linux: { netDevices: {} } }), { init: [], helper: [] });
});

test('the helper moves devices when init is in its network namespace, and init goes on when they are there', (t) => {
  const [pointer, stage] = ['', 20];
  t.deepEqual(planNetDevices({ linux: { netDevices: { eth0: {}, 'a~b': { name: 'net%d' } } } }), {
    init: [
      { op: 'notifyParent', pointer, stage },
      { op: 'waitForParent', pointer, stage },
    ],
    helper: [
      { op: 'waitForChild', pointer, stage },
      { op: 'moveNetDevice', pointer: '/linux/netDevices/eth0', name: 'eth0', to: 'eth0' },
      { op: 'moveNetDevice', pointer: '/linux/netDevices/a~0b', name: 'a~b', to: 'net%d' },
      { op: 'notifyChild', pointer, stage },
    ],
  });
});

test('without privileges a device is refused at its place, and no device is no matter', (t) => {
  const error = t.throws(() => planNetDevices({ linux: { netDevices: { eth0: {} } } }, false), { code: 'E_NET_DEVICE' });
  t.like(error, { pointer: '/linux/netDevices/eth0' });
  t.deepEqual(planNetDevices({}, false), { init: [], helper: [] });
});
