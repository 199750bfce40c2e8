import test from 'ava';
import { busSockets } from '../../../runtime/cgroup/systemd/bus-address.ts';

const rows: readonly [address: string, sockets: readonly string[]][] = [
  ['unix:path=/run/user/7/bus', ['/run/user/7/bus']],
  ['unix:path=/run/user/7/bus,guid=0123', ['/run/user/7/bus']],
  ['unix:guid=0123,path=/a%20b', ['/a b']],
  ['tcp:host=x,port=1;unix:path=/b;unix:runtime=yes', ['/b', '/run/x/bus']],
  ['unix:abstract=/tmp/x', []],
  ['unix:dir=/tmp', []],
  ['autolaunch:', []],
  ['', []],
];

for (const [address, sockets] of rows) {
  test(`the sockets of "${address}" are ${sockets.length === 0 ? 'none' : sockets.join(', ')}`, (t) => {
    t.deepEqual(busSockets(address, '/run/x'), sockets);
  });
}

test('without a runtime directory there is no socket in it', (t) => {
  t.deepEqual(busSockets('unix:runtime=yes', undefined), []);
});
