import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { all, withLinux, withMounts } from '../support/change-config.ts';
import { startLimited } from '../support/limited-container.ts';

// Opens contexts of the device until that is refused, and says how many there were: ib_user_verbs.h, IB_USER_VERBS_CMD_GET_CONTEXT.
const openContexts = `
import ctypes, os, struct
held = []
try:
    for _ in range(8):
        fd = os.open('/dev/infiniband/uverbs0', os.O_RDWR | os.O_CLOEXEC)
        answer = ctypes.create_string_buffer(64)
        os.write(fd, struct.pack('=IHHQ', 0, 4, 2, ctypes.addressof(answer)))
        held.append(fd)
    print('all')
except OSError as error:
    print(len(held), error.strerror)
`;

test('rdma limits the handles of a device, also by update', async (t) => {
  execFileSync('modprobe', ['rdma_rxe']);
  execFileSync('rdma', ['link', 'add', 'krun0', 'type', 'rxe', 'netdev', 'lo']);
  t.teardown(() => execFileSync('rdma', ['link', 'delete', 'krun0']));
  const [major = 0, minor = 0] = readFileSync('/sys/class/infiniband_verbs/uverbs0/dev', 'latin1').trim().split(':').map(Number);
  const devices = [{ path: '/dev/infiniband/uverbs0', type: 'c', major, minor }] as const;
  const container = await startLimited(
    t,
    {
      rdma: { krun0: { hcaHandles: 2, hcaObjects: 1000 } },
      devices: [{ allow: true, type: 'c', major, minor, access: 'rwm' }],
    },
    'sleep 1000',
    {
      change: all(withLinux({ devices }), withMounts({ destination: '/usr', type: 'bind', source: '/usr', options: ['bind', 'ro'] })),
      prepare: (rootfs) => {
        mkdirSync(join(rootfs, 'usr'));
        for (const name of ['lib', 'lib64']) symlinkSync(`usr/${name}`, join(rootfs, name));
        writeFileSync(join(rootfs, 'contexts.py'), openContexts);
      },
    },
  );
  t.is(container.file('rdma.max'), 'krun0 hca_handle=2 hca_object=1000');
  t.is((await container.exec('/usr/bin/python3 /contexts.py')).stdout, '2 Resource temporarily unavailable');
  await container.update({ rdma: { krun0: { hcaHandles: 5 } } });
  t.is(container.file('rdma.max'), 'krun0 hca_handle=5 hca_object=1000');
  t.is((await container.exec('/usr/bin/python3 /contexts.py')).stdout, '5 Resource temporarily unavailable');
});
