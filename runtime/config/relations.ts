import type { Config } from './config.ts';
import { isMapped } from './id-mappings.ts';
import { isIdmappedMount } from './mounts.ts';
import { createsNamespace, joinsNamespace, lacksNamespace, type NamespaceType } from './namespaces.ts';
import type { Path, Report } from './problem.ts';
import type { Draft } from './schema.ts';
import { reportSysctls } from './sysctl.ts';

type Rule = (config: Draft<Config>, report: Report) => void;

/** Reports what is wrong between the parts of a configuration: mostly settings without the namespace that they need. */
export function reportRelations(config: Draft<Config>, report: Report): void {
  for (const rule of rules) rule(config, report);
  reportSysctls(config.linux ?? {}, config.domainname, report);
}

const rules: readonly Rule[] = [
  reportProcess,
  reportNames,
  reportMountNamespace,
  reportUserNamespace,
  reportUser,
  reportIdmaps,
  reportTime,
  reportNetwork,
];

// config.md#process: optional until start.
function reportProcess({ process }: Draft<Config>, report: Report): void {
  if (process === undefined) report.warning(['process'], 'must be given before the container can start');
}

// __NEW_UTS_LEN: sethostname(2) refuses more.
const longestName = 64;

function reportNames(config: Draft<Config>, report: Report): void {
  for (const name of ['hostname', 'domainname'] as const) {
    const value = config[name];
    if (value === undefined) continue;
    needNamespace(config, 'uts', [name], report);
    if (utf8Length(value) > longestName) report.error([name], `must be at most ${longestName} bytes long`);
  }
}

// Without a mount namespace these would be carried out on the host's own mounts.
function reportMountNamespace({ root, mounts, linux }: Draft<Config>, report: Report): void {
  const need = (path: Path): void => needNamespace({ linux }, 'mount', path, report);
  if (mounts !== undefined && mounts.length > 0) need(['mounts']);
  if (root?.readonly === true) need(['root', 'readonly']);
  if (linux?.maskedPaths !== undefined && linux.maskedPaths.length > 0) need(['linux', 'maskedPaths']);
  if (linux?.readonlyPaths !== undefined && linux.readonlyPaths.length > 0) need(['linux', 'readonlyPaths']);
  if (linux?.rootfsPropagation !== undefined) need(['linux', 'rootfsPropagation']);
}

function reportUserNamespace({ linux }: Draft<Config>, report: Report): void {
  for (const name of ['uidMappings', 'gidMappings'] as const) {
    const mappings = linux?.[name];
    if (mappings !== undefined) needNamespace({ linux }, 'user', ['linux', name], report);
    // A joined namespace has its maps; whether given ones are the same is seen on the host.
    else if (createsNamespace(linux, 'user')) report.error(['linux', name], 'must be given: a user namespace without a map has no ids');
  }
}

function reportUser({ process, linux }: Draft<Config>, report: Report): void {
  if (!createsNamespace(linux, 'user') || process === undefined) return;
  const { uid = 0, gid = 0, additionalGids = [] } = process.user ?? {};
  const check = (map: 'uidMappings' | 'gidMappings', id: number | undefined, path: Path): void => {
    const mappings = linux?.[map];
    if (id === undefined || mappings === undefined || isMapped(mappings, id)) return;
    report.error(path, `must be an id that linux.${map} maps, not ${id}`);
  };
  check('uidMappings', uid, ['process', 'user', 'uid']);
  check('gidMappings', gid, ['process', 'user', 'gid']);
  for (const [index, group] of additionalGids.entries()) check('gidMappings', group, ['process', 'user', 'additionalGids', index]);
}

// "If no mappings are specified and the container has no user namespace, the runtime MUST generate an error" (config.md).
function reportIdmaps({ mounts = [], linux }: Draft<Config>, report: Report): void {
  for (const [index, mount] of mounts.entries()) {
    if (mount === undefined || !isIdmappedMount(mount) || mount.uidMappings !== undefined || mount.gidMappings !== undefined) continue;
    if (lacksNamespace(linux, 'user')) {
      report.error(['mounts', index], 'must have uidMappings and gidMappings: there is no user namespace to take them from');
    }
  }
}

function reportTime({ linux }: Draft<Config>, report: Report): void {
  const { timeOffsets } = linux ?? {};
  if (timeOffsets === undefined || Object.keys(timeOffsets).length === 0) return;
  needNamespace({ linux }, 'time', ['linux', 'timeOffsets'], report);
  if (joinsNamespace(linux, 'time')) report.error(['linux', 'timeOffsets'], 'must be left out: the time namespace is joined, not made');
}

function reportNetwork({ linux }: Draft<Config>, report: Report): void {
  if (Object.keys(linux?.netDevices ?? {}).length > 0) needNamespace({ linux }, 'network', ['linux', 'netDevices'], report);
}

function needNamespace({ linux }: Draft<Config>, type: NamespaceType, path: Path, report: Report): void {
  if (!lacksNamespace(linux, type)) return;
  const hint = `add {"type": "${type}"} to linux.namespaces`;
  report.error(path, `must come with a namespace of type ${type}`, { hint });
}

function utf8Length(text: string): number {
  let length = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    length += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4;
  }
  return length;
}
