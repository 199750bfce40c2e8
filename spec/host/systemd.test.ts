import test from 'ava';
import { readSystemdFacts, type SystemdSources } from '../../runtime/host/systemd.ts';

const host: SystemdSources = {
  uid: 1000,
  env: new Map(),
  uidMap: '         0          0 4294967295\n',
  firstCgroup: '0::/init.scope\n',
  booted: '/',
};

test('systemd is there when it is the init of this system', (t) => {
  t.true(readSystemdFacts(host).isRunning);
  t.false(readSystemdFacts({ ...host, booted: '/nonexistent' }).isRunning);
});

test('the buses are where the specification says, unless the environment knows better', (t) => {
  t.deepEqual(readSystemdFacts(host).system.sockets, ['/run/dbus/system_bus_socket']);
  t.deepEqual(readSystemdFacts(host).user.sockets, ['/run/user/1000/bus']);
  const env = new Map([
    ['DBUS_SYSTEM_BUS_ADDRESS', 'unix:path=/s'],
    ['DBUS_SESSION_BUS_ADDRESS', 'unix:path=/u,guid=1'],
    ['XDG_RUNTIME_DIR', '/r'],
  ]);
  t.deepEqual(readSystemdFacts({ ...host, env }).system.sockets, ['/s', '/run/dbus/system_bus_socket']);
  t.deepEqual(readSystemdFacts({ ...host, env }).user.sockets, ['/u', '/r/bus', '/run/user/1000/bus']);
});

test("a user's systemd is the service of the user, below the system's", (t) => {
  const root = '/user.slice/user-1000.slice/user@1000.service';
  t.like(readSystemdFacts(host), { system: { root: '' }, user: { root }, ownerUid: 1000 });
  const inContainer = readSystemdFacts({ ...host, firstCgroup: '1:name=x:/y\n0::/machine.slice/m.scope/init.scope\n' });
  t.like(inContainer, { system: { root: '/machine.slice/m.scope' }, user: { root: `/machine.slice/m.scope${root}` } });
  t.is(readSystemdFacts({ ...host, firstCgroup: '0::/\n' }).system.root, '');
});

test('root of a user namespace is its maker to systemd', (t) => {
  const uidMap = '         0       1000          1\n         1     100000      65536\n';
  t.like(readSystemdFacts({ ...host, uid: 0, uidMap }), { ownerUid: 1000, user: { sockets: ['/run/user/1000/bus'] } });
  t.is(readSystemdFacts({ ...host, uid: 5, uidMap }).ownerUid, 100004);
  t.is(readSystemdFacts({ ...host, uid: 0, uidMap: '' }).ownerUid, 0);
});
