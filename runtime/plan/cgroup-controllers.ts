// A limit whose controller is missing is refused with where the controller is and what to do.

import { ancestorsOf, parentOf } from '../cgroup/path.ts';
import type { Setting } from '../cgroup/setting.ts';
import { delegateToUsers } from '../errors/delegation-remedy.ts';
import { KrunError } from '../errors/krun-error.ts';
import type { Cgroup2Facts, HostFacts } from './host-facts.ts';

/**
 * E_NO_CONTROLLER if the mount's root has not got the setting's controller, or an existing cgroup on the way neither passes it on nor
 * lets us have it do so. One that lacks it only because the one above does not pass it on yet gets it when that does.
 */
export function requireController(setting: Setting, path: string, cgroup2: Cgroup2Facts, facts: HostFacts): void {
  const { controller, optional } = setting;
  if (controller === null || optional) return;
  for (const ancestor of ancestorsOf(path)) {
    const found = cgroup2.look(ancestor);
    if (!found.exists) return;
    if (ancestor === '/' && !found.controllers.includes(controller)) throw notOnHost(setting, controller, cgroup2, facts);
    if (!found.enabled.includes(controller) && !found.isWritable) throw undelegated(setting, controller, { ancestor, path, cgroup2 });
  }
}

/** The same for a unit of the systemd whose units are below `managerRoot`: what that was given it passes on, as its units ask for it. */
export function requireManagedController(setting: Setting, managerRoot: string, cgroup2: Cgroup2Facts, facts: HostFacts): void {
  const { controller, optional } = setting;
  if (controller === null || optional) return;
  if (!cgroup2.look('/').controllers.includes(controller)) throw notOnHost(setting, controller, cgroup2, facts);
  const found = cgroup2.look(managerRoot === '' ? '/' : managerRoot);
  if (found.exists && !found.controllers.includes(controller))
    throw undelegated(setting, controller, { ancestor: managerRoot, path: managerRoot, cgroup2 });
}

/** The same for a cgroup that is there already: its controllers were chosen when it was made. */
export function requirePresentController(setting: Setting, path: string, cgroup2: Cgroup2Facts, facts: HostFacts): void {
  requireController(setting, path, cgroup2, facts);
  const { controller, optional } = setting;
  if (controller === null || optional || cgroup2.look(path).controllers.includes(controller)) return;
  throw undelegated(setting, controller, { ancestor: parentOf(path), path, cgroup2 });
}

function notOnHost(
  { file, pointer }: Setting,
  controller: string,
  { mountpoint }: Cgroup2Facts,
  { version1Controllers }: HostFacts,
): KrunError {
  const hierarchy = version1Controllers.get(controller);
  if (hierarchy === undefined) {
    return new KrunError(
      'E_NO_CONTROLLER',
      `limit ${file} needs the cgroup controller "${controller}", which ${mountpoint} does not have`,
      {
        pointer,
        hint: `is it in /proc/cgroups? the kernel may lack it or be booted with cgroup_disable=${controller}; in a container, its host must pass it on`,
      },
    );
  }
  const where = hierarchy === '' ? 'cgroup v1 holds' : `cgroup v1 holds at ${hierarchy}`;
  return new KrunError('E_NO_CONTROLLER', `limit ${file} needs the cgroup controller "${controller}", which ${where}`, {
    pointer,
    hint: `krun uses cgroup v2 only: boot with systemd.unified_cgroup_hierarchy=1 or cgroup_no_v1=${controller === 'io' ? 'blkio' : controller}`,
  });
}

interface Place {
  readonly ancestor: string;
  /** The container's cgroup. */
  readonly path: string;
  readonly cgroup2: Cgroup2Facts;
}

function undelegated({ file, pointer }: Setting, controller: string, place: Place): KrunError {
  const { ancestor, cgroup2 } = place;
  return new KrunError(
    'E_NO_CONTROLLER',
    `limit ${file} needs the cgroup controller "${controller}", which cgroup ${ancestor} does not pass on`,
    {
      pointer,
      path: cgroup2.mountpoint + ancestor,
      hint: delegation(controller, place),
    },
  );
}

function delegation(controller: string, { ancestor, path, cgroup2: { mountpoint } }: Place): string {
  const service = /[^/]+\.service/.exec(path)?.[0];
  if (service?.startsWith('user@') || /^\/user\.slice(\/|$)/.test(path)) return delegateToUsers;
  if (service === undefined)
    return `as root: echo +${controller} > ${mountpoint}${ancestor === '/' ? '' : ancestor}/cgroup.subtree_control`;
  return `as root put "[Service]" and "Delegate=yes" into /etc/systemd/system/${service}.d/delegate.conf; systemctl daemon-reload; start it again`;
}
