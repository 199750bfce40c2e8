// Where systemd is, the system's and the caller's own. Reads one path; who answers there is found out by the helper.
import { existsSync } from 'node:fs';
import { busSockets } from '../cgroup/systemd/bus-address.ts';
import type { SystemdFacts } from '../plan/host-facts.ts';

export interface SystemdSources {
  /** The caller's effective uid. */
  readonly uid: number;
  readonly env: ReadonlyMap<string, string>;
  /** The text of /proc/PID/uid_map. */
  readonly uidMap: string;
  /** The text of /proc/1/cgroup. */
  readonly firstCgroup: string;
  /** Another /run/systemd/system, for tests. */
  readonly booted?: string;
}

export function readSystemdFacts({ uid, env, uidMap, firstCgroup, booted = '/run/systemd/system' }: SystemdSources): SystemdFacts {
  const ownerUid = outerUid(uidMap, uid);
  const runtimeDirectory = env.get('XDG_RUNTIME_DIR');
  const own = runtimeDirectory === undefined || runtimeDirectory === '' ? [] : [`${runtimeDirectory}/bus`];
  const root = systemRoot(firstCgroup);
  return {
    isRunning: existsSync(booted),
    system: { sockets: [...busSockets(env.get('DBUS_SYSTEM_BUS_ADDRESS') ?? '', undefined), '/run/dbus/system_bus_socket'], root },
    user: {
      sockets: [
        ...new Set([...busSockets(env.get('DBUS_SESSION_BUS_ADDRESS') ?? '', runtimeDirectory), ...own, `/run/user/${ownerUid}/bus`]),
      ],
      root: `${root}/user.slice/user-${ownerUid}.slice/user@${ownerUid}.service`,
    },
    ownerUid,
  };
}

// systemd itself is in init.scope, right below the root of its units: on a host that is the root of all, in a container it may not be.
function systemRoot(firstCgroup: string): string {
  return /^0::(.*)\/init\.scope$/m.exec(firstCgroup)?.[1] ?? '';
}

// "inside outside length" (user_namespaces(7)); whom no line maps is as it seems.
function outerUid(uidMap: string, uid: number): number {
  for (const line of uidMap.split('\n')) {
    const [inside = 0, outside = 0, length = 0] = line.trim().split(/\s+/).map(Number);
    if (uid >= inside && uid < inside + length) return outside + (uid - inside);
  }
  return uid;
}
