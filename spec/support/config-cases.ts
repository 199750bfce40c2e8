import test from 'ava';
import { type Changes, errorsOf, warningsOf } from './config-changes.ts';

/** A test: these changes to `krun spec`'s configuration give exactly these errors, each "CODE /pointer". */
export function refuses(title: string, changes: Changes, ...expected: readonly string[]): void {
  test(`${title} is refused`, (t) => t.deepEqual(errorsOf(changes), expected));
}

/** A test: these changes give no error, and exactly these warnings. */
export function warns(title: string, changes: Changes, ...expected: readonly string[]): void {
  test(`${title} is a warning`, (t) => {
    t.deepEqual(errorsOf(changes), []);
    t.deepEqual(warningsOf(changes), expected);
  });
}

/** A test: these changes give neither errors nor warnings. */
export function accepts(title: string, changes: Changes): void {
  test(`${title} is accepted`, (t) => t.deepEqual([...errorsOf(changes), ...warningsOf(changes)], []));
}

/** A namespace list with these types made new, and those of `paths` joined. */
export function namespaces(types: readonly string[], paths: Readonly<Record<string, string>> = {}): unknown {
  return [...types.map((type) => ({ type })), ...Object.entries(paths).map(([type, path]) => ({ type, path }))];
}

/** A whole map of ids, as the changes of a configuration with a new user namespace. */
export const userNamespace: Changes = {
  '/linux/namespaces': namespaces(['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup', 'user']),
  '/linux/uidMappings': [{ containerID: 0, hostID: 100000, size: 65536 }],
  '/linux/gidMappings': [{ containerID: 0, hostID: 100000, size: 65536 }],
};
