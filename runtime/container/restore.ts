// `restore`: a new container whose processes come from a checkpoint. What they may do, see and use is the bundle's configuration, as in a
// start; the images only say what the processes were doing.
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { FollowUp } from '../channel/decode-request.ts';
import type { Config, Process } from '../config/config.ts';
import { KrunError } from '../errors/krun-error.ts';
import { mountsBelow, mountsOf, resolveInRoot } from '../host/container-mounts.ts';
import { readHostFacts } from '../host/facts.ts';
import { criuDescriptors } from '../plan/criu.ts';
import { type BindSource, mountsToRestore, type NamedMount } from '../plan/criu-mounts.ts';
import { type CriuRequest, encodeCriuRequest } from '../plan/criu-request.ts';
import { requireSecurityModules } from '../plan/labels.ts';
import { parseMountOptions } from '../plan/mount-options.ts';
import type { Plan } from '../plan/ops.ts';
import { compileRestore, restoredRoot } from '../plan/restore.ts';
import type { Caller } from './caller.ts';
import { cgroupsModeFor, descriptorsFileName, externalNamespaceNames } from './checkpoint.ts';
import { criuConfigFile } from './criu-config-file.ts';
import { askForVersion, findCriu, requireVersion } from './criu-program.ts';
import type { CgroupManager, RestoreOptions } from './options.ts';
import { readBundle, requireRunnable } from './read-bundle.ts';
import { makeStateFiles } from './run.ts';
import { creatingFileName, initFileName } from './stored-state.ts';

/** Throws E_NO_CRIU, E_RESTORE, what is wrong with the bundle, E_FILE for a directory that cannot be used. */
export function restoreContainer(caller: Caller, options: RestoreOptions, followUp: FollowUp | null): Plan {
  const program = findCriu(caller);
  if (followUp === null) return askForVersion(program);
  requireVersion(program, followUp);
  const config = requireRunnable(readBundle(options.bundle).config);
  requireRestorable(config);
  const facts = readHostFacts(caller);
  requireSecurityModules(config, config.process, facts);
  const rootfs = resolve(options.bundle, config.root.path);
  const joins = joinedNamespaces(config);
  return compileRestore({
    config,
    id: options.id,
    bundle: options.bundle,
    rootfs,
    facts,
    cgroupManager: requireCgroupfs(options.cgroupManager),
    rootless: options.rootless,
    program,
    images: options.imagePath,
    work: options.workPath,
    log: `${options.workPath}/${logName}`,
    request: (cgroup) => encodeCriuRequest(describeRestore(options, { config, rootfs, joins, cgroup })),
    namespaces: joins.external,
    directories: mountPoints(config, rootfs),
    pidFile: options.pidFile,
    consoleSocket: options.consoleSocket,
    detach: options.detach,
    state: {
      root: options.root,
      creatingFile: creatingFileName,
      initFile: initFileName,
      files: (cgroup) => makeStateFiles({ config, id: options.id, bundle: options.bundle, rootfs, cgroup, caller }),
    },
  });
}

function requireCgroupfs(manager: CgroupManager): Exclude<CgroupManager, 'systemd'> {
  if (manager === 'systemd') throw new KrunError('E_NOT_YET', '--systemd-cgroup is not carried out by restore yet');
  return manager;
}

const logName = 'restore.log';

// Neither in the images nor made anew.
function requireRestorable({ linux }: Config): void {
  const lacking = (['intelRdt', 'netDevices'] as const).find((name) => linux?.[name] !== undefined);
  if (lacking === undefined) return;
  throw new KrunError('E_RESTORE', `a container with linux.${lacking} cannot be restored`, { pointer: `/linux/${lacking}` });
}

interface Subject {
  readonly config: Config & { readonly process: Process };
  readonly rootfs: string;
  readonly joins: Joins;
  /** Below the cgroup2 mount. */
  readonly cgroup: string | null;
}

function describeRestore(options: RestoreOptions, { config, rootfs, joins, cgroup }: Subject): CriuRequest {
  const terminal = config.process.terminal === true;
  const namespaces = joins.external.map(({ key, number }) => ({ key, descriptor: number }));
  return {
    kind: 'restore',
    images: criuDescriptors.images,
    work: criuDescriptors.work,
    log: logName,
    root: restoredRoot(rootfs),
    options: {
      ...options.criu,
      cgroupsMode: cgroupsModeFor(config, options.criu),
      lsmProfile: options.criu.lsmProfile ?? labelOf(config.process),
    },
    mounts: namedMounts(config, options.bundle, rootfs),
    inherited: [...namespaces, ...standardKeys(options, terminal)],
    joined: joins.others,
    cgroup,
    terminal,
    configFile: criuConfigFile(),
  };
}

// Not the label in the images, if the configuration has one.
function labelOf({ apparmorProfile = '', selinuxLabel = '' }: Process): string | null {
  if (apparmorProfile !== '') return `apparmor:${apparmorProfile}`;
  return selinuxLabel === '' ? null : `selinux:${selinuxLabel}`;
}

interface Joins {
  readonly external: readonly {
    readonly key: string;
    readonly path: string;
    readonly pointer: string;
    readonly type: 'network' | 'pid';
    readonly number: number;
  }[];
  readonly others: readonly { readonly name: string; readonly path: string }[];
}

function joinedNamespaces({ linux }: Config): Joins {
  const joined = (linux?.namespaces ?? []).flatMap(({ type, path }, index) =>
    path === undefined ? [] : [{ type, path, pointer: `/linux/namespaces/${index}` }],
  );
  const external = joined.flatMap(({ type, path, pointer }, index) =>
    type === 'network' || type === 'pid'
      ? [{ key: externalNamespaceNames[type][1], path, pointer, type, number: criuDescriptors.namespaces + index }]
      : [],
  );
  const others = joined.flatMap(({ type, path, pointer }) => {
    if (type === 'network' || type === 'pid') return [];
    if (type === 'ipc' || type === 'uts' || type === 'user') return [{ name: type, path }];
    throw new KrunError('E_RESTORE', `criu cannot restore processes into a ${type} namespace that exists`, { pointer });
  });
  return { external, others };
}

function namedMounts(config: Config, bundle: string, rootfs: string): NamedMount[] {
  const onHost = mountsOf('self');
  const binds = (config.mounts ?? []).flatMap((mount): BindSource[] => {
    const options = parseMountOptions(mount.options);
    if (!options.bind || mount.source === undefined) return [];
    const source = resolve(bundle, mount.source);
    return [{ destination: resolveInRoot(rootfs, mount.destination), source, below: options.recursive ? mountsBelow(source, onHost) : [] }];
  });
  return mountsToRestore(
    binds,
    (config.linux?.devices ?? []).map(({ path }) => path),
  );
}

/** In another root than that of the checkpoint, mount points may be missing. Files are not made: the root must have those. */
function mountPoints({ mounts = [] }: Config, rootfs: string): string[] {
  return mounts
    .filter(({ source, options }) => !parseMountOptions(options).bind || isDirectory(source ?? ''))
    .map(({ destination }) => resolveInRoot(rootfs, destination))
    .filter((path, _, all) => !all.some((other) => other !== path && path.startsWith(`${other}/`)));
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

// Image data: only what the caller's own descriptors can stand for is taken from it, and that by name alone.
function standardKeys({ imagePath, criu }: RestoreOptions, terminal: boolean): { key: string; descriptor: number }[] {
  const names = readDescriptors(`${imagePath}/${descriptorsFileName}`).slice(0, 3);
  const had = /^\/dev\/pts\/\d+$/.test(String(names[0]));
  if (terminal && !had) throw mismatch('process.terminal is true, but the checkpoint has no terminal');
  if (!terminal && had && !criu.shellJob) throw mismatch('process.terminal is false, but the checkpoint has one');
  return names.flatMap((key, descriptor) => {
    const isKnown = typeof key === 'string' && /^(pipe:\[\d+\]|file\[[0-9a-f]+:[0-9a-f]+\])$/.test(key);
    return isKnown && names.indexOf(key) === descriptor ? [{ key, descriptor }] : [];
  });
}

function mismatch(message: string): KrunError {
  return new KrunError('E_RESTORE', message, { pointer: '/process/terminal' });
}

function readDescriptors(path: string): unknown[] {
  try {
    const names: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (Array.isArray(names)) return names;
  } catch (cause) {
    throw new KrunError('E_RESTORE', `${path} cannot be read: is a checkpoint there?`, { path, cause });
  }
  throw new KrunError('E_RESTORE', `${path} is damaged`, { path });
}
