import test from 'ava';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import { planMaskedPaths } from '../../runtime/plan/masked-paths.ts';
import { configWith } from '../support/plan-context.ts';

test("masked paths are covered by the host's null device, opened before the root is; read-only paths come first", (t) => {
  const linux = { maskedPaths: ['/proc/kcore', '/sys//firmware/'], readonlyPaths: ['/proc/sys'] };
  t.deepEqual(planMaskedPaths(configWith({ linux })), {
    open: [{ op: 'openNull', pointer: '/linux/maskedPaths', null: 'null' }],
    seal: [
      { op: 'setPathReadonly', pointer: '/linux/readonlyPaths/0', path: '/proc/sys', root: 'root' },
      { op: 'maskPath', pointer: '/linux/maskedPaths/0', path: '/proc/kcore', root: 'root', null: 'null' },
      { op: 'maskPath', pointer: '/linux/maskedPaths/1', path: '/sys/firmware', root: 'root', null: 'null' },
    ],
  });
});

test('without masked paths no null device is opened', (t) => {
  t.deepEqual(planMaskedPaths(configWith()), { open: [], seal: [] });
  t.deepEqual(planMaskedPaths(configWith({ linux: { maskedPaths: [] } })), { open: [], seal: [] });
});

test('the root itself can be neither masked nor a read-only path', (t) => {
  for (const name of ['maskedPaths', 'readonlyPaths'] as const) {
    const error = t.throws(() => planMaskedPaths(configWith({ linux: { [name]: ['/x', '/y/../'] } })), { instanceOf: KrunError });
    t.is(error?.code, 'E_BAD_MOUNT');
    t.is(error?.pointer, `/linux/${name}/1`);
  }
});
