// The checks of `krun doctor`: facts about the host → what is well, what is amiss, and the exact remedy. Pure; an id never changes.
import { delegateToUsers, scopeOfUser } from '../errors/delegation-remedy.ts';
import type { DoctorFacts } from './facts.ts';

export interface Check {
  readonly id: string;
  /** fail: containers do not start, or not for this user; warn: something that engines or configurations ask for is missing. */
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was found, one line. */
  readonly found: string;
  /** What to do, to be pasted into a shell where that can be. */
  readonly fix?: string;
}

export function checkHost(facts: DoctorFacts): Check[] {
  return [
    kernelVersion(facts),
    namespaces(facts),
    seccomp(facts),
    ...['overlay', 'mqueue'].map((name) => fileSystem(facts, name)),
    cgroup2Mount(facts),
    ...(facts.cgroup2 === null ? [] : [cgroup2Writable(facts), cgroup2Controllers(facts)]),
    userNamespaces(facts),
    apparmor(facts),
    overlayInUserNamespace(facts),
    ...(['newuidmap', 'newgidmap'] as const).map((name) => idMapProgram(facts, name)),
    subordinateIds(facts),
    ...(facts.uid === 0 ? [] : [runtimeDirectory(facts), userBus(facts), linger(facts)]),
    criu(facts),
    supervisor(facts),
  ];
}

function kernelVersion({ kernelRelease }: DoctorFacts): Check {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(kernelRelease) ?? [];
  const isEnough = Number(major) > 5 || (Number(major) === 5 && Number(minor) >= 14);
  return isEnough
    ? ok('kernel-version', `Linux ${kernelRelease}`)
    : fail('kernel-version', `Linux ${kernelRelease} is older than 5.14`, 'install and boot a kernel of version 5.14 or later');
}

const needed = ['mnt', 'pid', 'uts', 'ipc', 'net', 'cgroup'];

function namespaces({ namespaces: found }: DoctorFacts): Check {
  const missing = needed.filter((name) => !found.includes(name));
  if (missing.length > 0)
    return fail(
      'namespaces',
      `the kernel has no namespaces of type ${missing.join(', ')}`,
      `boot a kernel with ${missing.map((name) => `CONFIG_${name.toUpperCase()}_NS=y`).join(' ')}`,
    );
  if (!found.includes('time')) return warn('namespaces', 'the kernel has no time namespaces', 'boot a kernel with CONFIG_TIME_NS=y');
  return ok('namespaces', found.filter((name) => !name.includes('_')).join(' '));
}

function seccomp({ seccompActions }: DoctorFacts): Check {
  const missing = ['allow', 'errno', 'kill_process'].filter((action) => !seccompActions.includes(action));
  return missing.length === 0
    ? ok('seccomp', seccompActions.join(' '))
    : fail('seccomp', `the kernel's seccomp lacks ${missing.join(', ')}`, 'boot a kernel with CONFIG_SECCOMP_FILTER=y');
}

const modules: Readonly<Record<string, readonly [use: string, fix: string]>> = {
  overlay: ['--ephemeral, --overlay-* and layered images need it', 'modprobe overlay && echo overlay > /etc/modules-load.d/overlay.conf'],
  mqueue: ['the usual mount of /dev/mqueue needs it', 'boot a kernel with CONFIG_POSIX_MQUEUE=y, or leave /dev/mqueue out of mounts'],
};

function fileSystem({ fileSystems }: DoctorFacts, name: string): Check {
  const [use = '', fix = ''] = modules[name] ?? [];
  if (fileSystems.includes(name)) return ok(`filesystem-${name}`, `the kernel has ${name}`);
  return warn(`filesystem-${name}`, `the kernel has no file system ${name} (loaded): ${use}`, fix);
}

const mountCgroup2 = 'boot with systemd.unified_cgroup_hierarchy=1, or: mount -t cgroup2 none /sys/fs/cgroup';

function cgroup2Mount({ cgroup2 }: DoctorFacts): Check {
  return cgroup2 === null
    ? fail('cgroup2-mount', 'no cgroup2 file system is mounted', mountCgroup2)
    : ok('cgroup2-mount', cgroup2.mountpoint);
}

function cgroup2Writable({ cgroup2, uid }: DoctorFacts): Check {
  const where = `${cgroup2?.mountpoint}${cgroup2?.place === '/' ? '' : cgroup2?.place}`;
  if (cgroup2?.isWritable) return ok('cgroup2-writable', where);
  return uid === 0
    ? fail('cgroup2-writable', `${where} is not writable`, `mount -o remount,rw ${cgroup2?.mountpoint}, or give --cgroup-manager disabled`)
    : warn('cgroup2-writable', `${where} is not writable: no limits, no pause`, scopeOfUser);
}

const engines = ['cpu', 'cpuset', 'io', 'memory', 'pids'];

function cgroup2Controllers({ cgroup2, uid, version1Controllers }: DoctorFacts): Check {
  const missing = engines.filter((name) => !cgroup2?.controllers.includes(name));
  if (missing.length === 0) return ok('cgroup2-controllers', cgroup2?.controllers.join(' ') ?? '');
  const onVersion1 = missing.filter((name) => version1Controllers.has(name));
  const found = `${missing.join(', ')}: not available in cgroup2${onVersion1.length > 0 ? '; cgroup v1 holds them' : ` at ${cgroup2?.place}`}`;
  if (onVersion1.length > 0)
    return warn('cgroup2-controllers', found, 'boot with systemd.unified_cgroup_hierarchy=1 (kernel command line)');
  return uid === 0
    ? warn('cgroup2-controllers', found, `boot without cgroup_disable=; in a container, its host must pass them on`)
    : warn('cgroup2-controllers', found, delegateToUsers);
}

function userNamespaces({ uid, maxUserNamespaces, unprivilegedUserNamespaces }: DoctorFacts): Check {
  const id = 'user-namespaces';
  const bad = uid === 0 ? warn : fail;
  if (maxUserNamespaces === null) return bad(id, 'the kernel has no user namespaces', 'boot a kernel with CONFIG_USER_NS=y');
  if (maxUserNamespaces === 0) return bad(id, 'user.max_user_namespaces is 0', persistent('user.max_user_namespaces=15000'));
  if (unprivilegedUserNamespaces === 0)
    return bad(id, 'kernel.unprivileged_userns_clone is 0: only root may make them', persistent('kernel.unprivileged_userns_clone=1'));
  return ok(id, `user.max_user_namespaces is ${maxUserNamespaces}`);
}

function apparmor({ uid, apparmorRestrictsUserNamespaces, helper }: DoctorFacts): Check {
  const id = 'apparmor-user-namespaces';
  if (apparmorRestrictsUserNamespaces !== 1) return ok(id, 'AppArmor does not restrict user namespaces');
  const profile = `abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile krun ${helper} flags=(unconfined) {\\n  userns,\\n}\\n`;
  const fix = `as root: printf '${profile}' > /etc/apparmor.d/krun && apparmor_parser -r /etc/apparmor.d/krun`;
  const found = 'kernel.apparmor_restrict_unprivileged_userns is 1: programs without a profile get no user namespace';
  return uid === 0 ? warn(id, found, fix) : fail(id, found, fix);
}

// Kernels since 5.11 let a user namespace mount overlay; what remains is that both are there.
function overlayInUserNamespace(facts: DoctorFacts): Check {
  const id = 'overlay-in-user-namespace';
  const causes = [userNamespaces(facts), apparmor(facts), fileSystem(facts, 'overlay')].filter(({ status }) => status !== 'ok');
  if (causes.length === 0) return ok(id, 'users can mount overlays in their user namespaces');
  const names = causes.map((cause) => cause.id).join(', ');
  return warn(id, `users cannot mount overlays in their user namespaces: ${names}`, `mend ${names}, above`);
}

function idMapProgram({ idMapPrograms }: DoctorFacts, name: 'newuidmap' | 'newgidmap'): Check {
  const what = `rootless engines need ${name} to map more ids than one`;
  if (idMapPrograms[name] === 'missing')
    return warn(name, `${name} is not installed: ${what}`, 'apt-get install uidmap (Debian, Ubuntu), dnf install shadow-utils (Fedora)');
  if (idMapPrograms[name] === 'unprivileged')
    return warn(name, `${name} is neither setuid root nor has file capabilities: ${what}`, `as root: chmod u+s "$(command -v ${name})"`);
  return ok(name, 'installed');
}

const usualRange = 65_536;

function subordinateIds({ uid, user, subordinate: { uids, gids } }: DoctorFacts): Check {
  const id = 'subordinate-ids';
  if (uid === 0) return ok(id, 'not needed by root');
  if (uids >= usualRange && gids >= usualRange) return ok(id, `${uids} uids, ${gids} gids`);
  const name = user ?? String(uid);
  return warn(
    id,
    `${name} has ${uids} subordinate uids and ${gids} gids: images use up to ${usualRange}`,
    `as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name} (choose a range that /etc/subuid gives to nobody)`,
  );
}

function runtimeDirectory({ runtimeDirectory: directory }: DoctorFacts): Check {
  return directory === null
    ? fail(
        'runtime-directory',
        'XDG_RUNTIME_DIR is not set: there is no place for state',
        'log in through a session (ssh, machinectl shell), or give --root DIR',
      )
    : ok('runtime-directory', directory);
}

function userBus({ hasUserBus }: DoctorFacts): Check {
  return hasUserBus
    ? ok('user-bus', "the user's systemd can be reached")
    : warn(
        'user-bus',
        'there is no user bus: cgroups cannot be asked of systemd',
        'apt-get install dbus-user-session; then log in through a session (ssh, machinectl shell), not su or sudo',
      );
}

function linger({ lingers, user, uid }: DoctorFacts): Check {
  return lingers
    ? ok('linger', 'containers outlive the session')
    : warn('linger', 'lingering is off: containers end with the last session', `loginctl enable-linger ${user ?? uid}`);
}

// Whether it works with this kernel only criu itself can tell, and here nothing is run.
function criu({ criu: path }: DoctorFacts): Check {
  return path === null
    ? warn('criu', 'criu is not installed: checkpoint and restore are refused', 'apt-get install criu (Debian), dnf install criu (Fedora)')
    : ok('criu', `${path}; whether it works with this kernel is told by: criu check`);
}

function supervisor({ nodeVersion }: DoctorFacts): Check {
  const [, major = '0', minor = '0'] = /^v(\d+)\.(\d+)/.exec(nodeVersion) ?? [];
  const isEnough = Number(major) > 22 || (Number(major) === 22 && Number(minor) >= 18);
  return isEnough
    ? ok('supervisor', `Node ${nodeVersion}`)
    : fail('supervisor', `Node ${nodeVersion} is older than 22.18`, 'install krun again: it brings its own Node');
}

function persistent(setting: string): string {
  const [name = ''] = setting.split('=');
  return `as root: sysctl -w ${setting} && echo ${setting} > /etc/sysctl.d/50-${name.replaceAll(/[._]/g, '-')}.conf`;
}

function ok(id: string, found: string): Check {
  return { id, status: 'ok', found };
}

function warn(id: string, found: string, fix: string): Check {
  return { id, status: 'warn', found, fix };
}

function fail(id: string, found: string, fix: string): Check {
  return { id, status: 'fail', found, fix };
}
