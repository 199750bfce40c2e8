import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import test from 'ava';
import { all, withLinux } from '../support/change-config.ts';
import { runActions } from '../support/krun.ts';
import { mebibyte, startLimited } from '../support/limited-container.ts';

const pages = '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages';
// mmap(2) on x86_64, of private anonymous huge pages.
const map = (mebibytes: number) => ['syscall', '9', '0', String(mebibytes * mebibyte), '3', '0x40022', '-1', '0'];

test('hugepageLimits refuses the mapping that goes beyond, not only its use', async (t) => {
  writeFileSync(pages, '8');
  t.teardown(() => writeFileSync(pages, '0'));
  if (!(Number(readFileSync(pages, 'latin1')) >= 4)) return t.fail('the machine gives no four huge pages');
  const limits = withLinux({ resources: { hugepageLimits: [{ pageSize: '2MB', limit: 4n << 20n }] } });
  const outcomes = await runActions(t, all(limits), map(4), map(2));
  t.deepEqual(
    outcomes.map(({ errno }) => errno),
    [0, constants.errno.ENOMEM],
  );
});

test('huge pages in use and reserved are limited, also by update where there was no limit before', async (t) => {
  const container = await startLimited(t, {}, 'sleep 1000');
  await container.update({ hugepageLimits: [{ pageSize: '2MB', limit: 6 * mebibyte }] });
  t.is(container.file('hugetlb.2MB.max'), String(6 * mebibyte));
  t.is(container.file('hugetlb.2MB.rsvd.max'), String(6 * mebibyte));
});
